"""Over-exposed: bright parts of the picture are burnt out to plain white."""

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.readings import Readings

#: From here on a pixel is plain white; codecs scatter white by a few levels.
WHITE = 250
#: What is darker is not lit; a hundredth of the picture has to be, or a lamp in the night would be all there is.
LIT, LEAST_LIT = 64, 0.01


class VideoOverexposed(VideoCheck):
    """Share of what is lit in the picture that is plain white, in the worst quarter of the recording.

    What is burnt out is lost: no later step brings back the face before the window. Only what is at least a quarter as
    bright as white counts as lit, so that a burnt-out face in a dark room is not excused by the room.

    Result: 0 … 100 % of the lit pixels. Clean clips have at most 12, with 2.5 times their light 30 and more.
    """

    name = "video.overexposed"
    version = 2
    title = "Burnt-out white"
    unit = "%"
    profiles = {"video": at_most(20.0, reject=50.0, requirement="required")}
    sentences = {
        "too-high": "{value} % of what is lit in the picture are burnt out to white; at most {maximum} % should be.",
    }
    fix = "Turn away from the window or sun, and tap on the bright part so that the camera lowers its light."
    false_alarms = "White paper, snow, fog and screens that fill the picture; lamps and white letters in the dark."
    source = (
        "Share of luma of at least 250 of 255 in that of at least 64; HDR by ITU-R BT.2408-7, highlights folded "
        "before counting."
    )
    uncertainty = 1.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        lit = max(float(pixels.shares[LIT:].sum()), LEAST_LIT)
        self.readings.add(pixels.at_s, 100 * float(pixels.shares[WHITE:].sum()) / lit)

    def measure(self) -> Measurement:
        return self.readings.measurement()
