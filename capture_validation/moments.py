"""Moments: when decoded pictures are shown.

A picture's own timestamp says so, but for one kind of file: films of the DivX years pack a picture and the one to be
shown before it into one packet, and the container, which counts packets, stamps both wrongly. Pictures then seem to run
backwards, every third of them. The times at which such a file is to be decoded are right.
"""

from av.video.frame import VideoFrame as Picture


class Moments:
    """Chooses, for each picture in the order of the decoder, the clock that ran backwards less often until then."""

    def __init__(self) -> None:
        self._latest: list[int | None] = [None, None]
        self._backwards = [0, 0]

    def seconds(self, picture: Picture) -> float | None:
        """When the next picture is shown, in seconds of its container's clock; None where nothing tells."""
        shown = picture.pts
        ticks = self.of(shown, picture.dts)
        if ticks is None or ticks == shown:
            return picture.time
        return float(ticks * picture.time_base) if picture.time_base else None

    def of(self, shown: int | None, decoded: int | None) -> int | None:
        """Which of the next picture's two timestamps counts; its own where both clocks are equally good.

        None where it has no timestamp at all. After guess_correct_pts of FFmpeg's libavcodec, but that two pictures of
        one time are no step backwards.
        """
        for clock, ticks in enumerate((shown, decoded)):
            latest = self._latest[clock]
            if ticks is not None:
                self._backwards[clock] += latest is not None and ticks < latest
                self._latest[clock] = ticks
        own_is_right = self._backwards[0] <= self._backwards[1]
        return shown if decoded is None or (own_is_right and shown is not None) else decoded
