"""The decision rule: where a recording goes once its report is there.

A pure function of the report and of what else is known at that moment, so that every combination can be tested and a
contributor's "why" has one answer. The order is the order of the questions: can it be used at all, can another take
mend it, must a person look, has its owner agreed.
"""

from __future__ import annotations

from msgspec import Struct

from capture_validation.report import Report
from storage.states import State
from storage.validations import Situation


class Decision(Struct, frozen=True):
    """Where the recording goes, and the code of the reason."""

    to: State
    because: str


class Likeness(Struct, frozen=True):
    """What the recording shares with others that are held.

    `already_sent`: with an own one. `same_event`: with an own film, but not its pictures. `of_another`: with anybody
    else's. `of_public_work`: with registered public material. `doubtful`: perhaps with an own one, as two synthetic
    voices do that read one text. `not_enough`: too little content to tell it from others, where content was asked for.
    """

    already_sent: bool = False
    same_event: bool = False
    of_another: bool = False
    of_public_work: bool = False
    doubtful: bool = False
    not_enough: bool = False


#: What a recording shares that was not compared, because it could not be read.
NOTHING_ALIKE = Likeness()


def decide(report: Report, situation: Situation, *, longest_ms: int, likeness: Likeness = NOTHING_ALIKE) -> Decision:
    """Decide about a recording whose bytes are the announced ones.

    That somebody else holds the same recording is called a second look: the reason must not tell one contributor what
    another one sent.
    """
    refused = refusal(report, longest_ms)
    if refused is not None:
        return refused
    if likeness.already_sent:
        return Decision("needs_fix", "already-sent")
    look = reason_to_look(report, situation, likeness)
    if look is not None:
        return Decision("in_review", look)
    return Decision("accepted", "passed") if situation.consented else Decision("needs_consent", "consent-missing")


def refusal(report: Report, longest_ms: int) -> Decision | None:
    """What no person needs to look at: rejected, or sent back for another take."""
    if report.rejection is not None:
        return Decision("rejected", "unreadable")
    if report.media is not None and duration_ms(report) > longest_ms:
        return Decision("rejected", "too-long")
    if report.outcome == "rejected":
        return Decision("rejected", "cannot-be-mended")
    if report.outcome == "needs_fix":
        return Decision("needs_fix", "another-take")
    return None


def reason_to_look(report: Report, situation: Situation, likeness: Likeness) -> str | None:
    """Why a person has to look at it, the weightiest reason first; a campaign's own review comes last."""
    if situation.held_by_another or likeness.of_another:
        return "second-look"
    if (alike := reason_alike(likeness)) is not None:
        return alike
    if report.outcome == "in_review":
        return "borderline"
    if not situation.quota_left:
        return "quota-reached"
    # A campaign's review waits for the consent: a recording without one needs its owner first.
    return "campaign-review" if situation.review_always and situation.consented else None


def reason_alike(likeness: Likeness) -> str | None:
    """Why a person has to compare it with what its contributor may know of."""
    if likeness.of_public_work:
        return "public-material"
    if likeness.same_event:
        return "same-event"
    if likeness.doubtful:
        return "much-alike"
    return "not-enough-content" if likeness.not_enough else None


def duration_ms(report: Report) -> int:
    """The decoded duration, in whole milliseconds; 0 for a file that is no recording."""
    return 0 if report.media is None else round(report.media.duration_s * 1000)
