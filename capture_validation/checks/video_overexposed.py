"""Over-exposed: bright parts of the picture are burnt out to plain white."""

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.readings import Readings

#: From here on a pixel is plain white; codecs scatter white by a few levels.
WHITE = 250


class VideoOverexposed(VideoCheck):
    """Share of the picture that is plain white, in the worst quarter of the recording.

    What is burnt out is lost: no later step brings back the face before the window.

    Result: 0 … 100 % of the pixels.
    """

    name = "video.overexposed"
    title = "Burnt-out white"
    unit = "%"
    profiles = {"video": at_most(20.0, reject=50.0, requirement="required")}
    sentences = {
        "too-high": "{value} % of the picture are burnt out to white; at most {maximum} % should be.",
    }
    fix = "Turn away from the window or sun, and tap on the bright part so that the camera lowers its light."
    false_alarms = "White paper, snow, fog and screens that fill the picture."
    source = "Share of luma of at least 250 of 255; HDR by ITU-R BT.2408-7, highlights folded before counting."
    uncertainty = 1.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, 100 * float(pixels.shares[WHITE:].sum()))

    def measure(self) -> Measurement:
        return self.readings.measurement()
