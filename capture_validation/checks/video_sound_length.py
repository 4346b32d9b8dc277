"""Sound and picture of a video begin and end together."""

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack, TrackEnd
from capture_validation.report import Span


class VideoSoundLength(AudioCheck):
    """How far apart sound and picture begin or end, by their own timestamps; the larger of both distances.

    A call, a full memory or a crashed app stops one of the two while the other goes on; and an encoder whose clocks run
    apart ends one of them early. Either way, part of the video has no sound, or its sound no longer fits the lips.

    Result: seconds. Phones are within .3; a clip cut out of a longer video had .83. Lips themselves are not read: a
    constant shift that the timestamps hide is not seen. Not applicable to a video without sound.
    """

    name = "video.sound_length"
    title = "Sound as long as the picture"
    unit = "s"
    profiles = {"video": at_most(1.0)}
    sentences = {
        "ends-early": "The sound ends {value} s before the picture; at most {maximum} s is wanted.",
        "starts-late": "The sound starts {value} s after the picture; at most {maximum} s is wanted.",
        "too-high": "Sound and picture differ by {value} s in where they begin or end; at most {maximum} s is wanted.",
    }
    fix = "Close other apps that use the microphone, record again, and send the file as the camera wrote it."
    false_alarms = "Clips that were cut without encoding them anew: their picture can only start at a key frame."
    source = "Presentation timestamps of both tracks (ISO/IEC 14496-12, section 8.6)."
    uncertainty = 0.1

    def start(self, track: AudioTrack) -> None:
        self.sound: TrackEnd | None = None
        self.picture: TrackEnd | None = None

    def end(self, end: TrackEnd) -> None:
        self.sound = end

    def beside(self, other: TrackEnd | None) -> None:
        self.picture = other

    def measure(self) -> Measurement:
        if not self.sound or not self.picture or not self.sound.frames or not self.picture.frames:
            return Measurement(None)
        begins, ends = self.picture.first_at_s, self.picture.first_at_s + self.picture.decoded_duration_s
        late, early = self.sound.first_at_s - begins, ends - self.sound.last_at_s
        apart = max(abs(late), abs(early))
        if early == apart:
            return Measurement(apart, (Span(max(self.sound.last_at_s, 0.0), ends),), code="ends-early")
        if late == apart:
            return Measurement(apart, (Span(max(begins, 0.0), self.sound.first_at_s),), code="starts-late")
        return Measurement(apart)
