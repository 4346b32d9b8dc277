"""What was changed in a rendition, so that its owner and a buyer read the same list."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from capture_validation.report import Rejection, Span


class Edit(Struct, frozen=True):
    """One kind of change: `what` was done `how`, in which stretches of the original, to how many places or fields.

    `metadata removed`, `pictures encoded`, `sound encoded`, `pictures turned`, `pictures mirrored` (left and right
    exchanged, as a player does with the original), `faces blurred`, `text boxed`, `pictures boxed` (nothing else would
    have hidden what was in them), `sound muted`, `stretches dropped`, and so on.
    """

    what: Literal["metadata", "pictures", "sound", "faces", "text", "stretches"]
    how: Literal["removed", "encoded", "turned", "mirrored", "blurred", "boxed", "muted", "dropped"]
    spans: tuple[Span, ...] = ()
    count: int = 0
    details: tuple[str, ...] = ()


class Rendered(Struct, frozen=True):
    """What the sandbox says about the rendition that it wrote; `removed_s` is how much shorter it is."""

    media_type: str
    edits: tuple[Edit, ...]
    removed_s: float
    frames: int
    seconds: float


class Making(Struct, frozen=True):
    """A rendition, or why there is none."""

    rendered: Rendered | None
    rejection: Rejection | None = None
