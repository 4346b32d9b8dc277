"""What HTTP itself can get wrong here: the API's own exceptions, beside those of `storage` and `capture_validation`.

The docstring is the default message, and `api/problem_table.py` says what a client hears.

    Exception
    ├── UnsupportedMediaType, MalformedJson, CursorInvalid        the request cannot be read
    ├── QuietHoursEmpty, PushAddressRefused                  being told
    ├── StepUpRequired, IbanInvalid                               money needs more certainty
    ├── ProviderEventRefused, ProviderUnavailable, PayoutRefused  the payment provider
    ├── KeyReused, KeyInProgress, KeyInvalid, AnswerLost          an Idempotency-Key
    ├── TooManyAttempts, Overloaded, BodyTooSlow                  throttled, turned away at the gate
    ├── MetricsClosed                                             figures are for those who operate the service
    ├── ChecksumMismatch, UploadTooSlow, DirectUploadUnavailable  the bytes of an upload
    ├── KindMissing                                               a problem's page
    └── ClientException (Litestar's, with a status of its own)
        └── TusVersionUnknown, BodyTypeWrong, RangeUnsatisfiable
"""

import random
from http import HTTPStatus

from litestar.exceptions import ClientException


class UnsupportedMediaType(Exception):
    """The body is not of a type this route reads; send JSON as application/json."""


class MalformedJson(Exception):
    """The body is not valid JSON, or it is nested too deeply."""


class CursorInvalid(Exception):
    """The cursor is not one that this list has given out; start again without it."""


class QuietHoursEmpty(Exception):
    """Quiet hours that begin when they end are none; leave them out, or say when they end."""


class PushAddressRefused(Exception):
    """Nothing can be sent to this subscription; ask the push service for a new one."""


class TooManyAttempts(Exception):
    """Too many attempts; wait before the next one."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many attempts; wait {retry_after_s} seconds before the next one.")
        self.facts = {"retry_after_s": retry_after_s}


class Overloaded(Exception):
    """More is asked at this moment than can be done; nothing was begun, so send the same request again in a moment."""

    def __init__(self) -> None:
        super().__init__()
        # Drawn, so that those who were turned away together do not come back together.
        self.facts = {"retry_after_s": random.randint(1, 3)}  # noqa: S311 - not a secret.


class TooMuchAtOnce(Overloaded):
    """You have as much under way as one may at the same time; let something of it end, and ask again."""


class BodyTooSlow(Exception):
    """The body of the request did not arrive within 30 seconds; send it again."""


class MetricsClosed(Exception):
    """The service's figures are given to whoever operates it: on the machine itself, or with the metrics token."""


class StepUpRequired(Exception):
    """This needs your password again: send it to /v1/sessions/current/confirmations, then repeat this request."""


class IbanInvalid(Exception):
    """This IBAN has a wrong length or check digit; copy it from your bank's app and try again."""


class ProviderEventRefused(Exception):
    """The event is not signed by the payment provider, or it is too old."""


class ProviderUnavailable(Exception):
    """The payment provider does not answer; the payout is handed over again later."""


class PayoutRefused(Exception):
    """The payment provider looked at a payout and will not make it; `because` and `code` say why, where it did."""

    def __init__(self, because: str | None = None, code: str | None = None) -> None:
        """Keep what the provider said."""
        super().__init__(because)
        self.because, self.code = because, code


class KeyReused(Exception):
    """This Idempotency-Key was used for another request; choose a new key for a new request."""


class KeyInProgress(Exception):
    """The first request with this Idempotency-Key is still being answered; ask again in a moment."""


class AnswerLost(Exception):
    """What was asked for with this Idempotency-Key was done, but its answer got lost; read the list to find it."""


class KeyInvalid(Exception):
    """An Idempotency-Key has 1 to 255 printable ASCII characters."""


class DirectUploadUnavailable(Exception):
    """Phones cannot reach the object store of this service themselves; send the bytes by tus."""


class TusVersionUnknown(ClientException):
    """Only tus 1.0.0 is spoken here; say so in the Tus-Resumable header."""

    status_code = HTTPStatus.PRECONDITION_FAILED


class BodyTypeWrong(ClientException):
    """Bytes of an upload are sent as application/offset+octet-stream."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class ChecksumMismatch(Exception):
    """The bytes arrived changed on the way; nothing of them was kept, send them again."""


class UploadTooSlow(Exception):
    """Too few bytes arrived for too long; what did arrive is kept, ask for the offset and go on from there."""

    def __init__(self, **facts: object) -> None:
        super().__init__()
        self.facts = facts


class RangeUnsatisfiable(ClientException):
    """The recording ends before the range that was asked for."""

    status_code = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE

    def __init__(self, size: int) -> None:
        """Tell the size, so that the client can ask again."""
        super().__init__(self.__doc__ or "", headers={"Content-Range": f"bytes */{size}"})


class KindMissing(Exception):
    """There is no kind of problem by that name."""
