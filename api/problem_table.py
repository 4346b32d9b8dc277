"""The one table from what can go wrong to what a client hears: exception, slug, status, title.

A slug is part of the contract and never changes its meaning. A new exception gets a row here, and nowhere else.
"""

from __future__ import annotations

import psycopg
from litestar.exceptions import (
    ClientException,
    MethodNotAllowedException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from msgspec import Struct

from api import errors
from api.passwords import PasswordsBusy
from capture_validation import errors as capture
from storage import errors as stored
from storage import payout_errors as unpaid
from storage.ledger import errors as ledger


class Kind(Struct, frozen=True):
    """One row of the table."""

    slug: str
    status: int
    title: str
    retry_after_s: int | None = None


#: The nearest class in an exception's own ancestry decides, so a new exception without a row still gets its parent's.
TABLE: dict[type[Exception], Kind] = {
    # What HTTP itself refuses.
    NotFoundException: Kind("route-unknown", 404, "There is no such address"),
    MethodNotAllowedException: Kind("method-not-allowed", 405, "This address does not take that method"),
    NotAuthorizedException: Kind("unauthenticated", 401, "Sign in first"),
    PermissionDeniedException: Kind("forbidden", 403, "Not allowed"),
    ValidationException: Kind("request-invalid", 400, "A value in the request cannot be used"),
    errors.MalformedJson: Kind("json-malformed", 400, "The body is not valid JSON"),
    errors.CursorInvalid: Kind("cursor-invalid", 400, "The cursor cannot be used"),
    psycopg.DataError: Kind("value-unusable", 400, "A value in the request cannot be stored"),
    ClientException: Kind("request-refused", 400, "The request cannot be understood"),
    RequestEntityTooLarge: Kind("body-too-large", 413, "The body is too large"),
    errors.UnsupportedMediaType: Kind("media-type-unsupported", 415, "The body has the wrong type"),
    PasswordsBusy: Kind("sign-in-busy", 429, "Very many are signing in", retry_after_s=2),
    errors.TooManyAttempts: Kind("too-many-attempts", 429, "Too many attempts", retry_after_s=60),
    errors.Overloaded: Kind("overloaded", 503, "Too busy at this moment", retry_after_s=2),
    errors.BodyTooSlow: Kind("body-too-slow", 408, "The body came too slowly"),
    errors.MetricsClosed: Kind("metrics-closed", 403, "Not for everybody"),
    errors.KeyReused: Kind("idempotency-key-reused", 422, "The Idempotency-Key belongs to another request"),
    errors.KeyInProgress: Kind(
        "idempotency-key-in-progress", 409, "The first request is still running", retry_after_s=1
    ),
    errors.AnswerLost: Kind("idempotency-answer-lost", 409, "Done, but the answer got lost"),
    errors.KeyInvalid: Kind("idempotency-key-invalid", 400, "The Idempotency-Key cannot be used"),
    errors.TusVersionUnknown: Kind("tus-version-unknown", 412, "Another version of tus"),
    errors.BodyTypeWrong: Kind("upload-body-type", 415, "The body has the wrong type"),
    # tus names this status for a checksum that does not hold.
    errors.ChecksumMismatch: Kind("checksum-mismatch", 460, "The bytes arrived changed"),
    stored.HashMismatch: Kind("hash-mismatch", 460, "Not the announced recording"),
    errors.UploadTooSlow: Kind("upload-too-slow", 408, "Too few bytes for too long"),
    errors.RangeUnsatisfiable: Kind("range-unsatisfiable", 416, "Nothing in that range"),
    errors.KindMissing: Kind("problem-unknown", 404, "There is no such kind of problem"),
    # Nothing of that id belongs to this account, or to anybody: both answers are the same.
    stored.Missing: Kind("not-found", 404, "Not found"),
    stored.RecordingMissing: Kind("recording-missing", 404, "No such recording"),
    stored.UploadMissing: Kind("upload-missing", 404, "No such upload"),
    stored.CampaignMissing: Kind("campaign-missing", 404, "No such campaign"),
    stored.PromptMissing: Kind("prompt-missing", 422, "No such prompt in this campaign"),
    stored.TermSheetMissing: Kind("term-sheet-missing", 404, "No such term sheet"),
    stored.RenderingMissing: Kind("rendering-missing", 404, "Not in this form"),
    stored.ReportMissing: Kind("report-missing", 404, "No report yet"),
    stored.MediaMissing: Kind("media-missing", 404, "No bytes yet"),
    stored.PublicWorkMissing: Kind("public-work-missing", 404, "No such public work"),
    stored.ConsentMissing: Kind("consent-missing", 404, "No decision yet"),
    stored.SessionMissing: Kind("session-missing", 404, "No such device"),
    stored.ReceiptMissing: Kind("receipt-missing", 404, "No such receipt"),
    stored.QuoteMissing: Kind("quote-missing", 404, "No such quote"),
    stored.WithdrawalMissing: Kind("withdrawal-missing", 404, "No such withdrawal"),
    stored.PushSubscriptionMissing: Kind("push-subscription-missing", 404, "No subscription"),
    stored.NoticeMissing: Kind("notice-missing", 404, "No such notice"),
    stored.CheckpointMissing: Kind("checkpoint-missing", 404, "No such checkpoint"),
    stored.BuyerMissing: Kind("buyer-missing", 404, "No such buyer"),
    stored.DatasetMissing: Kind("dataset-missing", 404, "No such dataset"),
    stored.EarningMissing: Kind("earning-missing", 404, "No such line"),
    stored.SaleMissing: Kind("sale-missing", 404, "No such sale"),
    stored.CaseMissing: Kind("case-missing", 404, "No such case"),
    # Well formed, and does not fit what is stored.
    stored.Conflict: Kind("conflict", 409, "The request does not fit"),
    stored.EmailTaken: Kind("email-taken", 409, "This e-mail address has an account"),
    stored.DisputeOpen: Kind("dispute-open", 409, "A dispute is open"),
    stored.SameReviewer: Kind("same-reviewer", 409, "Somebody else decides"),
    stored.SlotTaken: Kind("slot-taken", 409, "This prompt has a take"),
    stored.ReplacementRefused: Kind("replacement-refused", 409, "This take cannot be replaced"),
    stored.CampaignClosed: Kind("campaign-closed", 409, "The campaign is closed"),
    stored.CampaignPaused: Kind("campaign-paused", 409, "The campaign is paused"),
    stored.CampaignOver: Kind("campaign-over", 409, "The campaign was closed"),
    stored.QuotaTaken: Kind("quota-taken", 409, "More places are given away"),
    stored.ClaimDiffers: Kind("claim-differs", 409, "The upload is not what was claimed"),
    stored.MoveRefused: Kind("move-refused", 409, "Not in this state"),
    stored.ConsentPaused: Kind("consent-paused", 409, "Your consent is paused"),
    stored.TermsChanged: Kind("terms-changed", 409, "The terms have changed"),
    stored.TermsTooSoon: Kind("terms-too-soon", 409, "The notice of new terms is not over"),
    stored.TermSheetPublished: Kind("term-sheet-published", 409, "Published words never change"),
    stored.QuoteUsed: Kind("quote-used", 409, "The quote was used"),
    stored.WithdrawalRefused: Kind("withdrawal-refused", 409, "Nothing to withdraw"),
    stored.NoticeMoveRefused: Kind("notice-move-refused", 409, "Not in this state"),
    stored.BuyerRefused: Kind("buyer-refused", 409, "Nothing may be sold to this buyer"),
    stored.DatasetTaken: Kind("dataset-taken", 409, "There is a dataset by that name"),
    stored.NotForSale: Kind("not-for-sale", 409, "Some recordings may not be sold like this"),
    stored.RecordingOnHold: Kind("recording-on-hold", 409, "On hold", retry_after_s=86_400),
    stored.RenditionPending: Kind("rendition-pending", 409, "Not cleaned yet", retry_after_s=120),
    stored.PayoutUnderWay: Kind("payout-under-way", 409, "Money is on its way"),
    stored.CaseClosed: Kind("case-closed", 409, "The case is decided"),
    stored.UploadBusy: Kind("upload-busy", 423, "Another request is writing", retry_after_s=2),
    stored.UploadFinished: Kind("upload-finished", 409, "The upload is complete"),
    stored.UploadIncomplete: Kind("upload-incomplete", 409, "Bytes are missing"),
    stored.RenditionMissing: Kind("rendition-missing", 404, "No cleaned copy yet", retry_after_s=10),
    stored.FrameMissing: Kind("frame-missing", 404, "No such picture"),
    capture.ChoicesInvalid: Kind("choices-invalid", 422, "What is to be hidden contradicts itself"),
    stored.CustodyMissing: Kind("custody-missing", 404, "Not safe here yet", retry_after_s=60),
    stored.ExaminationImpossible: Kind("examination-impossible", 503, "Nothing is taken in now", retry_after_s=600),
    stored.PartRefused: Kind("part-refused", 422, "The part does not fit"),
    errors.DirectUploadUnavailable: Kind("direct-upload-unavailable", 409, "There is no direct door here"),
    stored.OffsetConflict: Kind("offset-conflict", 409, "The offset does not continue"),
    # More than is allowed.
    stored.Refused: Kind("refused", 422, "Not allowed"),
    stored.TooLarge: Kind("too-large", 413, "The recording is too large"),
    stored.TooManyChunks: Kind("too-many-chunks", 422, "Too many small pieces"),
    stored.MediaTypeRefused: Kind("media-type-refused", 422, "Another kind of recording is wanted"),
    stored.LanguageRefused: Kind("language-refused", 422, "Another language is wanted"),
    stored.DecisionMissing: Kind("decision-missing", 422, "A decision is missing"),
    stored.RateBelowTerms: Kind("rate-below-terms", 422, "Less than the terms promise"),
    stored.TimeZoneUnknown: Kind("time-zone-unknown", 422, "There is no such time zone"),
    errors.QuietHoursEmpty: Kind("quiet-hours-empty", 422, "The quiet hours have no length"),
    errors.PushAddressRefused: Kind("push-address-refused", 422, "The subscription cannot be used"),
    stored.LicenceOver: Kind("licence-over", 422, "The licence would be over already"),
    stored.DeadlinePast: Kind("deadline-past", 422, "That time is over"),
    stored.TermSheetInvalid: Kind("term-sheet-invalid", 422, "The term sheet is incomplete"),
    stored.ScreeningListInvalid: Kind("screening-list-invalid", 422, "The list cannot be read"),
    stored.Exhausted: Kind("exhausted", 429, "Not so much at once", retry_after_s=60),
    stored.TooManyUploads: Kind("too-many-uploads", 429, "Too many uploads at once", retry_after_s=30),
    stored.TooManyWaiting: Kind("too-many-waiting", 429, "Too many recordings wait", retry_after_s=60),
    stored.DailyBytesUsed: Kind("daily-bytes-used", 429, "Enough for today", retry_after_s=3600),
    stored.TooManyQuotes: Kind("too-many-quotes", 429, "Enough quotes for now", retry_after_s=3600),
    stored.Expired: Kind("expired", 410, "Too late"),
    stored.UploadExpired: Kind("upload-expired", 410, "The upload has expired"),
    stored.QuoteExpired: Kind("quote-expired", 410, "The quote has expired"),
    unpaid.DestinationMissing: Kind("destination-missing", 404, "No such destination"),
    unpaid.StatementMissing: Kind("statement-missing", 404, "No such statement"),
    unpaid.PayoutMissing: Kind("payout-missing", 404, "No such payout"),
    unpaid.DestinationResting: Kind("destination-resting", 409, "Not usable yet"),
    unpaid.DestinationInUse: Kind("destination-in-use", 409, "A payout is on its way there"),
    unpaid.PayoutMoveRefused: Kind("payout-move-refused", 409, "Not in this state"),
    unpaid.AccountOpen: Kind("account-open", 409, "The account is open"),
    unpaid.RuleDiffers: Kind("rule-differs", 409, "Another rule is there"),
    unpaid.PayoutTooSmall: Kind("below-threshold", 409, "Less than the smallest payout"),
    unpaid.CurrencyUnpayable: Kind("currency-not-payable", 409, "No payouts in this currency yet"),
    unpaid.NothingToPay: Kind("nothing-to-pay", 409, "Nothing to pay out"),
    errors.StepUpRequired: Kind("step-up-required", 403, "Give your password again"),
    errors.IbanInvalid: Kind("iban-invalid", 422, "The IBAN cannot be right"),
    errors.ProviderEventRefused: Kind("provider-event-refused", 401, "The signature does not fit"),
    errors.ProviderUnavailable: Kind("provider-unavailable", 503, "The bank's service is away", retry_after_s=60),
    ledger.LedgerError: Kind("posting-refused", 409, "Money cannot move like that"),
    ledger.Overdrawn: Kind("overdrawn", 409, "There is less than that"),
    ledger.PostingDiffers: Kind("posting-differs", 409, "The key belongs to another posting"),
    ledger.PostingEmpty: Kind("posting-empty", 409, "Nothing would move"),
    ledger.AlreadyReversed: Kind("already-reversed", 409, "Reversed already"),
    ledger.AccountUnknown: Kind("account-unknown", 409, "No such account in the ledger"),
    ledger.CurrencyUnknown: Kind("currency-unknown", 422, "No such currency"),
    ledger.TransactionMissing: Kind("transaction-missing", 404, "No such transaction"),
    stored.LicenceEnded: Kind("licence-ended", 410, "The licence has ended"),
    stored.SignInRefused: Kind("sign-in-refused", 401, "Sign-in refused"),
    stored.TokenRefused: Kind("token-refused", 401, "The token does not stand"),
    # Our fault: the same request may be sent again.
    stored.Unavailable: Kind("unavailable", 503, "Try again later", retry_after_s=5),
    stored.DatabaseBusy: Kind("database-busy", 503, "Try again in a moment", retry_after_s=2),
    stored.StoreUnavailable: Kind("store-unavailable", 503, "Try again in a moment", retry_after_s=5),
    stored.ValidationBehind: Kind("validation-behind", 503, "Recordings wait to be examined", retry_after_s=60),
    stored.StoreFull: Kind("store-full", 507, "No room for new recordings", retry_after_s=600),
    capture.SandboxError: Kind("validation-unavailable", 503, "Recordings cannot be examined now", retry_after_s=60),
    stored.MediaDamaged: Kind("media-damaged", 500, "The stored bytes are damaged"),
    stored.StorageError: Kind("storage-failed", 500, "Something went wrong here"),
    capture.CaptureError: Kind("examination-failed", 500, "Something went wrong here"),
    Exception: Kind("internal", 500, "Something went wrong here"),
}


def kind_of(exception: type[BaseException]) -> Kind:
    """Find the row of an exception's nearest ancestor."""
    return next(TABLE[cls] for cls in exception.__mro__ if issubclass(cls, Exception) and cls in TABLE)
