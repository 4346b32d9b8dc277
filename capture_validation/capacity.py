"""Capacity: how much of a recording this library is willing to look at.

These are technical limits, not tastes: beyond them a file costs more memory or time than one contributor may
take from all others. What a *good* recording is stands in the checks. The two must not be mixed: a campaign
may lower a capacity, it can never raise what the machine is built for.
"""

import msgspec


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """The largest recording that is decoded; one more of anything is refused as `over-limit`.

    Sizes are bytes, durations seconds, rates Hz, sides pixels. The numbers cover every phone made until now:
    4096 x 2304 holds 4K in both orientations, 192 kHz and 8 channels hold every field recorder.
    """

    audio_bytes: int = 700_000_000
    audio_duration_s: float = 3600.0
    video_bytes: int = 2_000_000_000
    video_duration_s: float = 600.0
    long_side: int = 4096
    short_side: int = 2304
    frame_rate_max: float = 1000.0
    tracks: int = 8
    # Phones add a handful of metadata tracks (gyroscope, face positions) that nobody decodes.
    tracks_of_any_kind: int = 24
    # Packets of compressed sound or picture. PCM has no packets, it is bounded by its bytes.
    packets: int = 2_000_000
    sample_rate_min: int = 8_000
    sample_rate_max: int = 192_000
    channels: int = 8
    # Decoded sample values over all channels. One hour of 48 kHz stereo has 346 million; a silence bomb,
    # in which a few bytes stand for seconds of eight channels, passes the byte limits and stops here.
    sample_values: int = 700_000_000

    def fits_picture(self, width: int, height: int) -> bool:
        """Whether a picture of this size is within the sides, upright or lying."""
        return max(width, height) <= self.long_side and min(width, height) <= self.short_side

    @property
    def pixels(self) -> int:
        """Pixels of the largest picture; what a decoder may allocate for one frame."""
        return self.long_side * self.short_side


CAPACITY = Capacity()
