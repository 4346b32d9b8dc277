"""Black: stretches in which there is nothing to see."""

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.readings import Readings
from capture_validation.report import Limit

#: A pixel is black below a tenth of white, and a frame when 98 of 100 pixels are: as FFmpeg's blackdetect.
BLACK_LEVEL = 26
BLACK_PIXELS = 0.98


class VideoBlack(VideoCheck):
    """Share of the recording that is black.

    A finger on the lens, a phone in a pocket or a lens cap: minutes that nobody pays for.

    Result: 0 … 100 % of the time, at four frames a second.
    """

    name = "video.black"
    title = "Black picture"
    unit = "%"
    profiles = {"video": at_most(2.0, reject=20.0, requirement="required")}
    sentences = {
        "too-high": "The picture is black for {value} % of the time; at most {maximum} % may be.",
    }
    fix = "Check that nothing covers the lens, and cut away the part in the pocket."
    false_alarms = "Deep night without any lamp, and black titles of edited films."
    source = "FFmpeg filter blackdetect: picture_black_ratio_th 0.98, pixel_black_th 0.10."
    uncertainty = 1.0

    def start(self, track: VideoTrack) -> None:
        self.black = Readings(Limit(maximum=BLACK_PIXELS))

    def feed(self, pixels: Pixels) -> None:
        self.black.add(pixels.at_s, float(pixels.shares[:BLACK_LEVEL].sum()))

    def measure(self) -> Measurement:
        share = self.black.broken_share()
        return Measurement(None if share is None else 100 * share, self.black.spans())
