"""Decodable: the sound can be decoded to its end, whole."""

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack, TrackEnd
from capture_validation.report import Span
from capture_validation.sound import Sound
from capture_validation.spans import Spans

#: Encoders pad and headers round; no honest file misses more than this at its end.
TAIL_S = 0.5
#: Cameras write one early packet of sound and wait for the picture: nothing was lost there.
PREROLL_S = 0.1


class AudioDecodable(AudioCheck):
    """Share of the sound that is missing or arrives damaged.

    A phone that died mid-take, a transfer that lost bytes and a recorder that fell asleep leave a file that plays at
    first. Counted: packets the decoder refused or repaired, stretches that the timestamps skip, and the end that the
    file claims but does not hold.

    Result: 0…100 %. Spans: skipped stretches and the missing end.
    """

    name = "audio.decodable"
    version = 2
    title = "Whole to the end"
    unit = "%"
    profiles = {
        "speech": at_most(1.0, reject=5.0, requirement="required"),
        "conversation": at_most(1.0, reject=5.0, requirement="required"),
        "ambient": at_most(1.0, reject=5.0, requirement="required"),
        "music": at_most(1.0, reject=5.0, requirement="required"),
        "video": at_most(1.0),
    }
    sentences = {
        "passed": "The sound is whole to its end.",
        "damaged": "{value} % of the sound is damaged; at most {maximum} % may be.",
        "truncated": "The recording breaks off: {missing_s} s of it are missing.",
        "skipped": "The recording skips {missing_s} s in between.",
        "no-sound": "Not one second of the sound could be read.",
    }
    fix = "Send the original file from your phone again; if it does not play to its end there either, record anew."
    false_alarms = "Recordings paused by the recorder's own pause button, where it leaves a gap in the timestamps."
    source = "FFmpeg's decoder errors with err_detect, timestamps, and the length the container claims."

    def start(self, track: AudioTrack) -> None:
        self.claimed_s = track.claimed_duration_s or 0.0
        self.heard_s = self.skipped_s = self.damaged = 0.0
        self.truncated = False
        self.gaps = Spans(gap_s=0.0)

    def feed(self, sound: Sound) -> None:
        """Nothing to hear: how decoding went is known at its end."""

    def end(self, end: TrackEnd) -> None:
        self.heard_s = end.decoded_duration_s
        self.truncated = end.truncated
        self.claimed_s = 0.0 if end.outlived else self.claimed_s
        packets = max(end.packets, end.frames, 1)
        self.damaged = min((end.corrupt_frames + end.decode_errors) / packets, 1.0)
        gaps = [(start, length) for start, length in end.gaps if start > PREROLL_S]
        self.skipped_s = sum(length for _, length in gaps)
        self.gaps.extend((start, start + length) for start, length in gaps)

    def measure(self) -> Measurement:
        if not self.heard_s:
            return Measurement(100.0, code="no-sound")
        missing_s = max(self.claimed_s - self.heard_s - self.skipped_s, 0.0)
        missing_s = missing_s if missing_s > TAIL_S else 0.0
        whole_s = self.heard_s + self.skipped_s + missing_s
        shares = {
            "damaged": self.damaged * self.heard_s / whole_s,
            "skipped": self.skipped_s / whole_s,
            "truncated": missing_s / whole_s,
        }
        code = max(shares, key=lambda cause: shares[cause])
        tail = (Span(round(whole_s - missing_s, 3), round(whole_s, 3)),) if missing_s else ()
        lost_s = {"damaged": 0.0, "skipped": self.skipped_s, "truncated": missing_s}[code]
        return Measurement(
            100 * sum(shares.values()), (*self.gaps.spans(), *tail), {"missing_s": round(lost_s, 1)}, code
        )
