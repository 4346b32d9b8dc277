"""What a file turned out to be, read from its own structure before any decoder sees it."""

from typing import Literal

import msgspec

from capture_validation.capacity import Capacity
from capture_validation.errors import Unreadable

Kind = Literal["audio", "video"]


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """The recognised file format of a recording, with what its header claims.

    `format` is the name of the one FFmpeg demuxer that may open the file; forcing it is what keeps a playlist
    named .mp4 from being followed. `kind` says whether a picture track is present: sound and video have
    different capacities. Everything claimed is a claim of the file: budgets use it, checks measure instead.
    `incomplete` says that bytes are missing at the end, as when a phone dies while it records, or in between;
    `lacks_pieces` the latter. `unread_picture` is the codec of a picture track that nobody here decodes.
    """

    format: str
    kind: Kind
    media_type: str
    size_bytes: int
    claimed_duration_s: float | None = None
    width: int = 0
    height: int = 0
    incomplete: bool = False
    lacks_pieces: bool = False
    unread_picture: str = ""


def within(container: Container, capacity: Capacity) -> Container:
    """The container itself, when its size, claimed duration and picture fit. Raises Unreadable "over-limit"."""
    video = container.kind == "video"
    at_most("bytes", container.size_bytes, capacity.video_bytes if video else capacity.audio_bytes)
    at_most(
        "duration_s",
        container.claimed_duration_s or 0.0,
        capacity.video_duration_s if video else capacity.audio_duration_s,
    )
    picture(container.width, container.height, capacity)
    return container


def at_most(what: str, value: float, limit: float) -> None:
    """Raises Unreadable "over-limit" with the fact and the limit, so that the contributor reads both."""
    if not value <= limit:
        raise Unreadable("over-limit", what=what, value=value, limit=limit)


def sound(sample_rate: float, channels: int, capacity: Capacity) -> None:
    """Raises Unreadable "over-limit" for a sample rate (Hz) or channel count that no microphone delivers."""
    at_most("sample_rate", sample_rate, capacity.sample_rate_max)
    if not sample_rate >= capacity.sample_rate_min:
        raise Unreadable("over-limit", what="sample_rate", value=sample_rate, limit=capacity.sample_rate_min)
    at_most("channels", channels, capacity.channels)
    if channels < 1:
        raise malformed("channels", 0)


def picture(width: int, height: int, capacity: Capacity) -> None:
    """Raises Unreadable "over-limit" for a picture larger than a phone's."""
    if not capacity.fits_picture(width, height):
        limit = f"{capacity.long_side}x{capacity.short_side}"
        raise Unreadable("over-limit", what="picture", value=f"{width}x{height}", limit=limit)


def malformed(what: str, value: float | str = "") -> Unreadable:
    """The error for a structure that contradicts itself; `what` names the field of the standard."""
    return Unreadable("malformed", what=what, value=value)


def claimed_s(claimed: int, available: int, bytes_per_second: float, capacity: Capacity) -> float | None:
    """Seconds of sound that a length in bytes claims; None for an unknown rate.

    Recorders that stream write 0 or the largest number as length, which counts as "all that follows". What a phone that
    died left claims more than the file holds: the claim stands, so that the contributor hears how much is missing. A
    length that no recording can have is a lie. Raises Unreadable "over-limit" for such a length, "empty" when no sample
    follows.
    """
    if available <= 0:
        raise Unreadable("empty")
    if not bytes_per_second:
        return None
    if is_open_ended(claimed):
        return available / bytes_per_second
    at_most("duration_s", claimed / bytes_per_second, capacity.audio_duration_s)
    return claimed / bytes_per_second


def is_open_ended(claimed: int) -> bool:
    """Whether a length in bytes stands for "until the file ends"; recorders that cannot seek write such lengths.

    Besides 0 and the largest numbers this holds for the sizes near 2 and 4 GB that FFmpeg and SoX leave behind.
    """
    return (
        claimed <= 0
        or claimed == 0xFFFFFFFFFFFFFFFF
        or any(top - 4096 <= claimed <= top for top in (0xFFFFFFFF, 0x7FFFFFFF))
    )
