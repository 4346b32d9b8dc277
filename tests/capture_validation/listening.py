"""How tests let a check listen: real samples in, the verdict of a profile out, cut into blocks of any size."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from capture_validation import checks
from capture_validation.capacity import CAPACITY
from capture_validation.check import AudioCheck
from capture_validation.decode import AudioBlock, AudioTrack, TrackEnd, open_recording
from capture_validation.judge import judge
from capture_validation.profile import profile
from capture_validation.report import CheckResult
from capture_validation.sound import Samples, Stretches
from capture_validation.speech import Speech
from tests.media import media


@cache
def clip(name: str) -> tuple[Samples, int]:
    """The samples, shape (samples, channels), and rate of a real recording."""
    with media(name).open("rb") as file, open_recording(file, CAPACITY) as recording:
        blocks = [part.samples for part in recording.read() if isinstance(part, AudioBlock)]
        assert recording.audio is not None
        return np.concatenate(blocks), recording.audio.sample_rate


def heard(
    name: str,
    samples: Samples,
    rate: int,
    judged_by: str = "speech",
    blocks: Sequence[int] | None = None,
    codec: str = "pcm_f32le",
    **ending: Any,
) -> CheckResult:
    """What the check of that name says about samples of shape (samples,) or (samples, channels)."""
    sound = np.asarray(samples, np.float32)
    sound = sound[:, None] if sound.ndim == 1 else sound
    kind = checks.published()[name]
    assert issubclass(kind, AudioCheck)
    check = kind(profile(judged_by).rules[name])
    claimed = ending.pop("claimed_duration_s", None)
    check.start(
        AudioTrack(
            codec=codec,
            sample_rate=rate,
            channels=sound.shape[1],
            sample_format="flt",
            claimed_duration_s=claimed,
            bit_rate=None,
        )
    )
    stretches, speech = Stretches(rate), Speech()
    for block in cut(sound, blocks or (rate // 2,)):
        stretch = stretches.take(block)
        check.feed(stretch)
        if check.about_speech:
            speech.add(stretch)
    if check.about_speech:
        check.spoken(speech, "A text of so many letters.")
    check.end(TrackEnd(decoded_duration_s=len(sound) / rate, packets=len(sound), gaps=ending.pop("gaps", []), **ending))
    return judge(kind, check.rule, check.measure())


def cut(samples: Samples, sizes: Sequence[int]) -> list[Samples]:
    """The samples in blocks of these sizes, over and over."""
    blocks, at, turn = [], 0, 0
    while at < len(samples):
        blocks.append(samples[at : at + sizes[turn % len(sizes)]])
        at += len(blocks[-1])
        turn += 1
    return blocks


def spoilt(name: str, defect: Callable[[Samples, int], Samples]) -> tuple[Samples, int]:
    """A real recording with a defect."""
    samples, rate = clip(name)
    return defect(samples, rate), rate
