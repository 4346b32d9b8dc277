"""Decodable: the picture can be decoded to its end, whole."""

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import TrackEnd, VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.report import Span
from capture_validation.spans import Spans

#: An audio track, or a last frame that the phone held longer, may make a file claim a little more than it shows.
TAIL_S = 0.5
#: Where the file itself was cut, a picture and a half is no rounding any more.
CUT_TAIL_S = 0.05
#: Where pieces of the file are missing, the picture skips what was in them; a camera in the dark is slower than this.
SKIP_S = 0.25


class VideoDecodable(VideoCheck):
    """Share of the claimed recording that is missing or arrives damaged.

    A transfer that lost bytes and a phone that died mid-take both leave a file that plays at first. Decoders hide
    damage by inventing picture: a file with flipped bits decoded 300 of 300 frames without one error, 186 of them
    flagged as corrupt. So both errors and flagged frames count, and so does the end that never came. Decoders of H.264,
    AV1, MPEG-4 and H.263 notice nearly every flipped bit, those of VP9 a third, of HEVC and VP8 hardly any. A fragment
    that was lost from the middle leaves nothing to decode: its number is missing, and the picture skips its time.

    Result: 0 … 100 % of the recording.
    """

    name = "video.decodable"
    version = 3
    title = "Damaged or missing picture"
    unit = "%"
    profiles = {"video": at_most(0.5, reject=5.0, requirement="required")}
    sentences = {
        "damaged": "{value} % of the picture is damaged; at most {maximum} % may be.",
        "truncated": "The video breaks off: {missing_s} s of it are missing.",
        "skipped": "The video skips {missing_s} s in between: pieces of the file are missing.",
        "no-picture": "Not one picture of the video could be read.",
    }
    fix = "Send the original file from your phone again; if it does not play to its end there either, record anew."
    false_alarms = "Files cut without re-encoding may start with frames whose reference was cut away."
    source = "Decoder errors and AV_FRAME_FLAG_CORRUPT of FFmpeg with err_detect, against the claimed duration."
    frames_per_second = 0.0
    full_tier_only = True

    def start(self, track: VideoTrack) -> None:
        self.claimed_s = track.claimed_duration_s or 0.0
        self.frames = self.corrupt = self.errors = 0
        self.first_s: float | None = None
        self.last_s = self.shown_until_s = 0.0
        self.damage = Spans()
        self.tail_s = TAIL_S
        self.lacks_pieces = False
        self.skips = Spans()

    def feed(self, pixels: Pixels) -> None:
        self.frames += 1
        if self.first_s is None:
            self.first_s = pixels.at_s
        elif pixels.at_s > self.shown_until_s + SKIP_S:
            self.skips.add(self.shown_until_s, pixels.at_s)
        self.shown_until_s = max(self.shown_until_s, pixels.at_s + pixels.frame.duration_s)
        if pixels.is_corrupt:
            self.corrupt += 1
            self.damage.add(pixels.at_s, pixels.at_s + max(0.0, min(0.25, pixels.at_s - self.last_s)))
        self.last_s = pixels.at_s

    def end(self, end: TrackEnd) -> None:
        self.errors = end.decode_errors
        self.tail_s = CUT_TAIL_S if end.truncated else TAIL_S
        self.claimed_s = 0.0 if end.outlived else self.claimed_s
        self.lacks_pieces = end.lacks_pieces

    def measure(self) -> Measurement:
        if not self.frames:
            return Measurement(100.0, code="no-picture")
        damaged = 100 * (self.corrupt + self.errors) / (self.frames + self.errors)
        missing, tail = self._missing_end()
        skips = self.skips.spans() if self.lacks_pieces else ()
        skipped = self._share(skips)
        if max(missing, skipped) <= damaged:
            return Measurement(damaged, self.damage.spans(), code="damaged" if damaged else None)
        lost, code = (tail, "truncated") if missing > skipped else (skips, "skipped")
        missing_s = round(sum(span.end_s - span.start_s for span in lost), 1)
        return Measurement(max(missing, skipped), (*self.damage.spans(), *lost), {"missing_s": missing_s}, code)

    def _missing_end(self) -> tuple[float, tuple[Span, ...]]:
        """Share of the claimed recording that never came at its end, in per cent, and where."""
        claimed_until_s = (self.first_s or 0.0) + self.claimed_s
        if not self.claimed_s or claimed_until_s - self.shown_until_s <= self.tail_s:
            return 0.0, ()
        tail = (Span(round(self.shown_until_s, 3), round(claimed_until_s, 3)),)
        return 100 * (claimed_until_s - self.shown_until_s) / self.claimed_s, tail

    def _share(self, spans: tuple[Span, ...]) -> float:
        """Share of what lies between the first picture and the end of the last, in per cent."""
        shown_s = self.shown_until_s - (self.first_s or 0.0)
        return 100 * sum(span.end_s - span.start_s for span in spans) / shown_s if shown_s > 0 else 0.0
