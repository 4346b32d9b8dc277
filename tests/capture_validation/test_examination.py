"""Report and fingerprints of one decode are the ones that two decodes give, and their size is bounded."""

import tempfile

import msgspec
import numpy as np
import pytest

from capture_validation import examination
from capture_validation.duplicates.printed import Printed, printed
from capture_validation.examination import LARGEST_REPORT, Answer, examine
from capture_validation.profile import profile
from capture_validation.validate import validate
from tests.capture_validation.made import sound
from tests.media import hostile, media


@pytest.mark.parametrize(("name", "rules"), [("speech_weather_16k.wav", "speech"), ("video_face_h264.mp4", "video")])
def test_one_decode_gives_what_two_gave(name: str, rules: str) -> None:
    """The checks do not notice the fingerprinter, nor it the checks."""
    with media(name).open("rb") as file:
        both = examine(file.fileno(), profile(rules))
        report, prints = validate(file, rules), printed(file.fileno())

    assert report == both.report
    assert both.prints is not None
    assert Printed.of(prints) == Printed.of(both.prints)


def test_a_file_that_is_refused_has_no_fingerprint() -> None:
    """There is nothing to compare, and the contributor hears the same reason."""
    with hostile("51_hls_http.m3u8").open("rb") as file:
        both = examine(file.fileno(), profile("speech"))

    assert (None, "playlist") == (both.prints, both.report.rejection and both.report.rejection.code)


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense",
        msgspec.msgpack.encode(Answer(b"{}", None)),
        msgspec.msgpack.encode(Answer(b" " * (LARGEST_REPORT + 1), None)),
        msgspec.msgpack.encode(Answer(msgspec.json.encode(profile("speech").rejected(None)), Printed("", b"cvaq"))),
    ],
)
def test_whatever_a_captured_decoder_sends_is_a_refusal(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are no answer, a report of megabytes, a fingerprint that is none."""

    class Captured:
        def run(self, *_: object, **__: object) -> bytes:
            return answer

    monkeypatch.setattr(examination, "shared_sandbox", Captured)

    both = examine(0, profile("speech"))

    assert (None, "too-expensive") == (both.prints, both.report.rejection and both.report.rejection.code)


RATE = 8000
TIME = np.arange(60 * RATE) / RATE
NOISE = np.random.default_rng(1).uniform(-0.5, 0.5, len(TIME))


@pytest.mark.parametrize(
    ("samples", "enough"),
    [
        (0 * TIME, False),
        (0.5 * np.sin(2 * np.pi * 1000 * TIME), False),
        (NOISE, True),
        (NOISE[: RATE * 3 // 10], False),
    ],
    ids=["silence", "tone", "noise", "0.3 seconds"],
)
def test_what_has_nothing_to_compare_says_so(samples: np.ndarray, enough: bool) -> None:
    """Silence, a steady tone and a blink are recordings like others; noise, once made, is as unique as speech."""
    with tempfile.TemporaryFile() as file:
        file.write(sound("wav", "pcm_s16le", (32767 * samples).astype(np.int16), RATE))
        file.flush()
        both = examine(file.fileno(), profile("ambient"))

    assert both.report.rejection is None
    assert both.prints is not None
    assert enough == both.prints.enough
