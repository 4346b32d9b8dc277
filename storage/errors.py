"""Everything storage raises, drawn as one tree.

    StorageError
    ├── Missing                       nothing of that id belongs to this account (or to anybody: both look the same)
    │   ├── PublicWorkMissing, RecordingMissing, UploadMissing, CampaignMissing, TermSheetMissing, ReportMissing,
    │   │   PromptMissing,
    │   │   ConsentMissing, MediaMissing, SessionMissing, RenderingMissing, ReceiptMissing, QuoteMissing,
    │   │   WithdrawalMissing, NoticeMissing, CheckpointMissing, BuyerMissing, DatasetMissing, SaleMissing,
    │   │   CaseMissing, CustodyMissing, EarningMissing, RenditionMissing, FrameMissing, PushSubscriptionMissing, and
    │   │   those of being paid (storage/payout_errors.py)
    ├── Conflict                      the request is well formed and does not fit what is stored
    │   ├── EmailTaken, SlotTaken, CampaignClosed, MoveRefused, TermsChanged, UploadBusy, UploadFinished,
    │   │   OffsetConflict, ClaimDiffers, TermSheetPublished, BuyerRefused, DatasetTaken, NotForSale, RecordingOnHold,
    │   │   RenditionPending, CaseClosed, PayoutUnderWay, UploadIncomplete, DisputeOpen, TermsTooSoon, CampaignPaused,
    │   │   CampaignOver, QuotaTaken, and those of being paid
    ├── Refused                       the request asks for more than is allowed
    │   ├── TooLarge, TooManyChunks, MediaTypeRefused, LanguageRefused, DecisionMissing, HashMismatch,
    │   │   TermSheetInvalid, ScreeningListInvalid, PartRefused, RateBelowTerms, LicenceOver,
    │   │   DeadlinePast, TimeZoneUnknown
    │   └── Exhausted                 allowed, but not so much at once: try again later
    │       ├── TooManyUploads, TooManyWaiting, DailyBytesUsed, TooManyQuotes
    ├── Expired                       UploadExpired, LicenceEnded
    ├── LedgerError                   money cannot move like that (storage/ledger/errors.py)
    ├── MediaDamaged                  stored bytes did not come back as they were stored: ours to repair
    ├── SignInRefused                 the credentials or the token do not stand
    └── Unavailable                   an engine does not answer: try again later
        ├── DatabaseBusy, StoreUnavailable, StoreFull, ExaminationImpossible

The docstring of a class is its default message; attributes carry the facts that a problem shows to the client.
"""

from __future__ import annotations


class StorageError(Exception):
    """Something could not be read or kept."""

    def __init__(self, message: str | None = None, **facts: object) -> None:
        super().__init__(message or (self.__doc__ or "").splitlines()[0])
        self.facts = facts


class Missing(StorageError):
    """There is nothing here by that id."""


class RecordingMissing(Missing):
    """You have no recording by that id."""


class UploadMissing(Missing):
    """You have no upload by that id."""


class SessionMissing(Missing):
    """You have no signed-in device by that id."""


class PushSubscriptionMissing(Missing):
    """This device is not woken; subscribe it first."""


class CampaignMissing(Missing):
    """There is no campaign by that id."""


class PromptMissing(Missing):
    """The campaign has no prompt by that id."""


class TermSheetMissing(Missing):
    """There is no term sheet by that id and version."""


class RenderingMissing(Missing):
    """This version of the term sheet has not been shown in that form and language yet."""


class ReportMissing(Missing):
    """There is no report for this recording yet."""


class PublicWorkMissing(Missing):
    """There is no registered public work by that id."""


class MediaMissing(Missing):
    """The bytes of this recording are not stored, or not yet."""


class ConsentMissing(Missing):
    """You have not decided about the terms of this recording yet."""


class ReceiptMissing(Missing):
    """You have no receipt by that id."""


class QuoteMissing(Missing):
    """You have no quote by that id for this campaign."""


class WithdrawalMissing(Missing):
    """You have no withdrawal by that id."""


class NoticeMissing(Missing):
    """There is no notice of a withdrawal by that id."""


class CheckpointMissing(Missing):
    """There is no checkpoint of that day."""


class BuyerMissing(Missing):
    """There is no buyer by that id."""


class DatasetMissing(Missing):
    """There is no dataset by that id, or nothing of it was sold to you."""


class EarningMissing(Missing):
    """There is no such line on your balance, or it is not an earning."""


class SaleMissing(Missing):
    """There is no sale by that id."""


class CaseMissing(Missing):
    """There is no case behind this link."""


class RenditionMissing(Missing):
    """There is no cleaned copy of this recording yet; it is made once the recording is accepted."""


class FrameMissing(Missing):
    """This report has no picture by that number."""


class CustodyMissing(Missing):
    """The bytes of this recording are not safe here yet; keep the original and ask again later."""


class Conflict(StorageError):
    """The request does not fit what is stored."""


class EmailTaken(Conflict):
    """There is already an account with this e-mail address; sign in with it."""


class SlotTaken(Conflict):
    """You already have a take for this prompt; name it in `replaces` once it needs a fix, or delete it first."""


class ReplacementRefused(Conflict):
    """Only a take of the same prompt that needs a fix can be replaced."""


class CampaignClosed(Conflict):
    """This campaign takes no more recordings."""


class CampaignPaused(Conflict):
    """This campaign takes nothing new for now; what you have announced goes on, and a quote that you hold counts."""


class CampaignOver(Conflict):
    """This campaign was closed, and contributors were told so: it stays closed. Open a new one."""


class QuotaTaken(Conflict):
    """So many places are given away: accepted, promised by quotes, or begun. The quota cannot be smaller than that."""


class ClaimDiffers(Conflict):
    """The claim of this upload does not match the recording it names."""


class MoveRefused(Conflict):
    """The recording cannot do that in its present state."""


class ConsentPaused(Conflict):
    """Your consent is paused, because a device was lost; let it go on with your password, then agree."""


class TermsChanged(Conflict):
    """The term sheet that was agreed to is not the one this campaign uses; read it again."""


class TermsTooSoon(Conflict):
    """Contributors of this campaign were promised to hear of new terms earlier; move it once that time is over."""


class QuoteUsed(Conflict):
    """This quote has been used; each one is for a single recording."""


class WithdrawalRefused(Conflict):
    """There is no consent left to withdraw."""


class NoticeMoveRefused(Conflict):
    """The notice cannot go there from where it is."""


class TermSheetPublished(Conflict):
    """This version of the term sheet is published with other words, and published words never change."""


class DisputeOpen(Conflict):
    """A person is looking at your objection to this recording already; wait for the answer."""


class SameReviewer(Conflict):
    """You made the decision that was objected to; somebody else looks at it now, or you accept the recording."""


class UploadBusy(Conflict):
    """Another request is writing to this upload; try again in a moment."""


class UploadFinished(Conflict):
    """This upload is complete."""


class OffsetConflict(Conflict):
    """The bytes do not continue where the stored ones end; ask for the offset and go on from there."""


class BuyerRefused(Conflict):
    """This buyer is not cleared by screening, so nothing may be sold to it."""


class DatasetTaken(Conflict):
    """There is already a dataset by that name."""


class NotForSale(Conflict):
    """Some of these recordings may not be sold like this; `refused` says which and why."""


class RecordingOnHold(Conflict):
    """Somebody has objected to this recording; until that is decided it is handed to nobody."""


class RenditionPending(Conflict):
    """The cleaned copy of this recording is still being made; ask again in a few minutes."""


class PayoutUnderWay(Conflict):
    """Money is on its way to you; wait until it has arrived, or cancel the payout, so that nothing of it is lost."""


class CaseClosed(Conflict):
    """This case is decided already."""


class UploadIncomplete(Conflict):
    """Some bytes of this recording are missing; send what `missing` lists, then say again that it is complete."""


class Refused(StorageError):
    """The request asks for more than is allowed."""


class TooLarge(Refused):
    """The recording is larger than this campaign allows."""


class TimeZoneUnknown(Refused):
    """The IANA time zone database has no zone of that name; its names read like Europe/Berlin."""


class TooManyChunks(Refused):
    """The upload arrived in too many small pieces; send it again in larger ones."""


class PartRefused(Refused):
    """The part overlaps another one, bytes that are stored, or the end; cut parts as `missing` says."""


class MediaTypeRefused(Refused):
    """This campaign takes another kind of recording."""


class LanguageRefused(Refused):
    """This campaign does not collect recordings in that language."""


class DecisionMissing(Refused):
    """A use in the term sheet needs a decision of its own."""


class RateBelowTerms(Refused):
    """A campaign cannot pay less than its term sheet promises, nor in a currency that the sheet does not name."""


class LicenceOver(Refused):
    """A licence has to end later than now."""


class DeadlinePast(Refused):
    """A deadline lies in the future; close the campaign to end it now."""


class TermSheetInvalid(Refused):
    """The term sheet lacks a part that every sheet has."""


class ScreeningListInvalid(Refused):
    """The screening list cannot be read."""


class HashMismatch(Refused):
    """The bytes that arrived are not the ones that were announced; they were thrown away, send them again."""


class Exhausted(Refused):
    """You have used up what one contributor may take at once; try again later."""


class TooManyUploads(Exhausted):
    """You are sending as many recordings at once as one contributor may; finish one of them first."""


class TooManyWaiting(Exhausted):
    """As many of your recordings wait to be checked as may wait at once; try again when one of them is done."""


class DailyBytesUsed(Exhausted):
    """You have announced as many bytes as one contributor may within a day; go on tomorrow."""


class TooManyQuotes(Exhausted):
    """You hold as many unused quotes as one contributor may; use one of them first."""


class MediaDamaged(StorageError):
    """The stored bytes of this recording did not come back as they were stored; we have to look into that."""


class Expired(StorageError):
    """It is too late for that."""


class UploadExpired(Expired):
    """This upload has expired; claim the recording again."""


class QuoteExpired(Expired):
    """This quote has expired; ask for a new one."""


class LicenceEnded(Expired):
    """Your licence of this recording has ended, because it was withdrawn or its term is over; delete your copies."""


class SignInRefused(StorageError):
    """The e-mail address and password do not match an account."""


class TokenRefused(SignInRefused):
    """The token is missing, unknown or expired; sign in again."""


class Unavailable(StorageError):
    """A part of the service does not answer; try again later."""


class DatabaseBusy(Unavailable):
    """The database does not answer in time; try again in a moment."""


class StoreUnavailable(Unavailable):
    """The object store does not answer; nothing was lost, try again in a moment."""


class ValidationBehind(Unavailable):
    """Recordings wait too long to be examined; what you have begun goes on, begin something new later."""


class ExaminationImpossible(Unavailable):
    """No recording can be examined safely on this service now, so none is taken in; what you have sent is kept."""


class StoreFull(Unavailable):
    """There is no room for new recordings right now; try again later."""
