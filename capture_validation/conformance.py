"""Conformance: signals whose measurements are known, so that a phone can prove that it measures the same.

Every expected value follows from a standard or from how the signal was made, never from running our own code.
`companion conformance` measures them here; `companion conformance --write FOLDER` gives them to another
implementation as WAV files with a list of what it should find.
"""

import argparse
import io
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import scipy
import soundfile
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation import checks
from capture_validation.analysis import analyse
from capture_validation.check import Rule
from capture_validation.profile import Profile
from capture_validation.report import Limit

Signal = NDArray[np.float64]
RATE = 48000


class Vector(Struct, frozen=True):
    """A signal of shape (samples, channels), the check that measures it, and what it must find."""

    name: str
    check: str
    expected: float
    #: How far a measurement may lie under and over what is expected, in the check's unit.
    under: float
    over: float
    source: str
    make: Callable[[], Signal]
    rate: int = RATE


class Measured(Struct, frozen=True):
    """What was measured of a vector, and whether that is right."""

    vector: Vector
    value: float | None

    @property
    def conforms(self) -> bool:
        """Whether the value lies within the tolerance."""
        low, high = self.vector.expected - self.vector.under, self.vector.expected + self.vector.over
        return self.value is not None and low - 1e-6 <= self.value <= high + 1e-6


class Published(Struct, frozen=True):
    """A vector as another implementation reads it."""

    file: str
    check: str
    version: int
    unit: str
    expected: float
    under: float
    over: float
    source: str


def measured(vector: Vector) -> Measured:
    """Measure a vector as a recording is measured: from a WAV file, through the decoder."""
    only = Profile("conformance", 1, "audio", {vector.check: Rule(Limit())})
    report = analyse(io.BytesIO(wav(vector)), only)
    return Measured(vector, next((check.value for check in report.checks), None))


def wav(vector: Vector) -> bytes:
    """The vector as a WAV file of 32-bit floats, which changes no sample by more than its last bit."""
    file = io.BytesIO()
    soundfile.write(file, vector.make().astype(np.float32), vector.rate, "FLOAT", format="WAV")
    return file.getvalue()


def tones(*levels: tuple[float, float], hertz: float = 1000.0, rate: int = RATE) -> Signal:
    """A stereo sine at each level (dBFS) for its length (s), without a step in its phase."""
    lengths = [round(seconds * rate) for _, seconds in levels]
    gain = np.concatenate([np.full(n, 10 ** (level / 20)) for (level, _), n in zip(levels, lengths, strict=True)])
    return np.repeat((gain * np.sin(2 * np.pi * hertz * np.arange(len(gain)) / rate))[:, None], 2, axis=1)


def between(period: int, degrees: float, level: float) -> Signal:
    """A tone whose period is so many samples, so that its peak lies between them; faded in and out over 0.1 s."""
    times = np.arange(RATE)
    fade = np.clip(np.minimum(times, times[::-1]) / (RATE / 10), 0, 1)
    return np.asarray((level * fade * np.sin(2 * np.pi * times / period + np.radians(degrees)))[:, None])


def hiss(seconds: float, channels: int = 1, level: float = 0.05) -> Signal:
    """White noise of one level (root mean square) without any offset."""
    noise = np.random.default_rng(20).normal(0, level, (round(seconds * RATE), channels))
    return np.asarray(noise - noise.mean(axis=0))


def _holes(count: int, seconds: float) -> Signal:
    """Noise with holes of exact zero, a second apart; both edges are loud."""
    signal = hiss(count + 2.0)
    for number in range(count):
        start, length = (number + 1) * RATE, round(seconds * RATE)
        signal[start : start + length] = 0.0
        signal[start - 1], signal[start + length] = 0.05, 0.05
    return signal


def _repeated() -> Signal:
    """Noise in which two packets of 20 ms are heard twice."""
    signal, length = hiss(3.0), RATE // 50
    for start in (RATE, 2 * RATE):
        signal[start : start + length] = signal[start - length : start]
    return signal


def _clipped() -> Signal:
    """Quiet noise in which 1 % of the samples lie in pairs at full scale."""
    signal = hiss(2.0)
    for offset in (0, 1):
        signal[100 + offset :: 200] = 1.0
    return signal


def _pauses(*parts: float) -> Signal:
    """Noise and silence by turns, for so many seconds each, noise first."""
    pieces = [hiss(seconds) * (number % 2 == 0) for number, seconds in enumerate(parts)]
    return np.concatenate(pieces)


def _both(under_db: float) -> float:
    """Two levels of which the second is 2 dB higher, near enough to each other that both count."""
    return under_db - 2.0 * math.log1p(math.exp(-1.0))


def _sides(side: float) -> Signal:
    """Stereo whose left minus right is `side` times its left plus right; the two are independent."""
    mid, difference = hiss(2.0, 2).T
    return np.stack((mid + side * difference, mid - side * difference), axis=1)


def _surround() -> Signal:
    """Five channels: left and right at −28 dBFS, the centre at −24, the surrounds at −30."""
    tone = tones((0.0, 20.0))[:, :1]
    return np.asarray(tone * 10 ** (np.array([-28.0, -28.0, -24.0, -30.0, -30.0]) / 20))


def _loud_and_quiet(under_db: float) -> Signal:
    """One sample every 16 ms, for a second loud and for a second so much quieter, three times.

    A spectrum of 32 ms holds one of them in its middle, where the window is 1, and one at its edge, where it is 0: so
    all bands are equally loud, and what is measured in each is the difference that was made.
    """
    signal = np.zeros((6 * RATE, 1))
    signal[:: RATE * 16 // 1000] = 0.5
    quiet = np.arange(len(signal)) // RATE % 2 == 1
    signal[quiet] *= 10 ** (-under_db / 20)
    return signal


def _swell(hertz: float, over_db: float, during: float = 0.0) -> Signal:
    """Three seconds of a tone at −55 dBFS that swells by so much and back within 0.4 s, beside 1 kHz of −23 dBFS.

    While it swells 1 kHz has another level.
    """
    times = np.arange(3 * RATE) / RATE
    swell = np.where(abs(times - 1.5) < 0.2, np.cos(np.pi * (times - 1.5) / 0.4) ** 2, 0.0)
    tone = np.sqrt(2) * 10 ** (-55 / 20) * (1 + (10 ** (over_db / 20) - 1) * swell) * np.sin(2 * np.pi * hertz * times)
    voice = np.where(abs(times - 1.5) < 0.5, during, 0.1) * np.sin(2 * np.pi * 1000 * times)
    return np.asarray(tone + voice)[:, None]


def _spread(loudest: float) -> Signal:
    """Samples whose sizes are spread as those of a voice, exponentially, two up and two down, and cut off at a share.

    They come in an order of chance, and each size comes as often as the distribution says. Its loudest thousandth
    stands 20·log10(ln 1000 ÷ ln 100) = 3.52 dB over the loudest hundredth, and 0.627 times as many lie in the decibel
    at the top as in that two lower. Of every second sample each is a half-wave by itself, always at its top: 1 ÷ 0.555.
    """
    shares = (np.arange(4 * RATE) + 0.5) / (4 * RATE)
    sizes = -0.05 * np.log(1 - np.minimum(np.random.default_rng(20).permutation(shares), loudest))
    return np.asarray(sizes * (-1.0) ** (np.arange(len(sizes)) // 2))[:, None]


def _mains(level: float, beside: float = 0.0, tones: int = 6) -> Signal:
    """Four seconds of 60 Hz and its multiples, or of what lies so far beside them (Hz), of one level (dBFS)."""
    times = np.arange(4 * RATE) / RATE
    waves = [np.sin(2 * np.pi * (60 * number + beside) * times + number) for number in range(1, tones + 1)]
    return np.asarray(10 ** (level / 20) * np.sum(waves, axis=0))[:, None]


def _loudness() -> Iterator[Vector]:
    name, tech, range_ = "audio.loudness", "EBU Tech 3341, case", "EBU Tech 3342, case"
    full = "ITU-R BS.1770-5, Annex 1"
    yield Vector("calibration", name, -3.01, 0.01, 0.01, full, lambda: tones((0.0, 5.0), hertz=997.0)[:, :1])
    yield Vector("3341-1", name, -23.0, 0.1, 0.1, f"{tech} 1", lambda: tones((-23.0, 20.0)))
    yield Vector("3341-2", name, -33.0, 0.1, 0.1, f"{tech} 2", lambda: tones((-33.0, 20.0)))
    three = ((-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0))
    yield Vector("3341-3", name, -23.0, 0.1, 0.1, f"{tech} 3", lambda: tones(*three))
    yield Vector("3341-4", name, -23.0, 0.1, 0.1, f"{tech} 4", lambda: tones((-72.0, 10.0), *three, (-72.0, 10.0)))
    yield Vector(
        "3341-5", name, -23.0, 0.1, 0.1, f"{tech} 5", lambda: tones((-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0))
    )
    yield Vector("3341-6", name, -23.0, 0.1, 0.1, f"{tech} 6", _surround)
    short = "audio.short_term_loudness"
    turns = ((-20.0, 1.34), (-30.0, 1.66)) * 5
    yield Vector("3341-9", short, -23.0, 0.1, 0.1, f"{tech} 9", lambda: tones(*turns))
    moment = "audio.momentary_loudness"
    quick = ((-20.0, 0.18), (-30.0, 0.22)) * 25
    yield Vector("3341-12", moment, -23.0, 0.1, 0.1, f"{tech} 12", lambda: tones(*quick))
    # Four of the twenty segments of each: a tone that begins where no step begins, as loud as case 1 or ever louder.
    for case, check, length_s, wait_s, rises in (
        (10, short, 3.0, 0.15, False),
        (11, short, 3.0, 0.15, True),
        (13, moment, 0.4, 0.02, False),
        (14, moment, 0.4, 0.02, True),
    ):
        for segment in (0, 3, 8, 19):
            level = -38.0 + segment if rises else -23.0
            made = partial(tones, (-240.0, wait_s * segment), (level, length_s), (-240.0, 1.0))
            yield Vector(f"3341-{case}-{segment + 1}", check, level, 0.1, 0.1, f"{tech} {case}", made)
    wide = "audio.loudness_range"
    yield Vector("3342-1", wide, 10.0, 1.0, 1.0, f"{range_} 1", lambda: tones((-20.0, 20.0), (-30.0, 20.0)))
    yield Vector("3342-2", wide, 5.0, 1.0, 1.0, f"{range_} 2", lambda: tones((-20.0, 20.0), (-15.0, 20.0)))
    yield Vector("3342-3", wide, 20.0, 1.0, 1.0, f"{range_} 3", lambda: tones((-40.0, 20.0), (-20.0, 20.0)))
    steps = tuple((level, 20.0) for level in (-50.0, -35.0, -20.0, -35.0, -50.0))
    yield Vector("3342-4", wide, 15.0, 1.0, 1.0, f"{range_} 4", lambda: tones(*steps))


def _peaks() -> Iterator[Vector]:
    """Cases 15 to 19 of EBU Tech 3341: a tone at half of full scale, or beyond it, whose peak no sample hits."""
    for case, period, degrees, level, expected in (
        (15, 4, 0.0, 0.5, -6.0),
        (16, 4, 45.0, 0.5, -6.0),
        (17, 6, 60.0, 0.5, -6.0),
        (18, 8, 67.5, 0.5, -6.0),
        (19, 4, 45.0, 1.41, 3.0),
    ):
        yield Vector(
            f"3341-{case}",
            "audio.true_peak",
            expected,
            0.4,
            0.2,
            f"EBU Tech 3341, case {case}",
            partial(between, period, degrees, level),
        )


def _swings() -> Iterator[Vector]:
    """Cases 20 to 23 of EBU Tech 3341: one period of full scale in a tone of half of it, at each of four places."""
    for offset in range(4):
        make = partial(_one_period, offset)
        source = f"after EBU Tech 3341, case {20 + offset}"
        yield Vector(f"3341-{20 + offset}", "audio.true_peak", 0.0, 0.4, 0.2, source, make)


def _one_period(offset: int) -> Signal:
    """A tone of a sixth of the rate, made at four times the rate and thinned from a place between two samples."""
    period = 4 * 6
    times = np.arange(4 * RATE)
    fade = np.clip(np.minimum(times, times[::-1]) / (4 * RATE / 10), 0, 1)
    level = np.where(times // period == len(times) // period // 2, 1.0, 0.5)
    tone = fade * level * np.sin(2 * np.pi * times / period)
    # The step in its level holds sound above half the rate, which no recorder would let through.
    taps = scipy.signal.firwin(513, 1 / 4, window=("kaiser", 8.0))
    return np.asarray(scipy.signal.fftconvolve(tone, taps, "same")[offset::4, None])


def _made() -> Iterator[Vector]:
    """Signals with a defect of a known size."""
    known = "as the signal was made"
    for name, check, expected, tolerance, make in (
        ("length", "audio.duration", 2.5, 0.001, lambda: hiss(2.5)),
        ("six-channels", "audio.channels", 6.0, 0.0, lambda: hiss(0.5, 6)),
        ("one-side-quiet", "audio.channel_balance", 20.0, 0.1, lambda: hiss(2.0, 2) * [1.0, 0.1]),
        ("upside-down", "audio.channel_phase", -1.0, 0.001, lambda: hiss(2.0) * [1.0, -1.0]),
        ("nearly-mono", "audio.channel_difference", -40.0, 0.2, lambda: _sides(0.01)),
        ("clipped", "audio.clipping", 1.0, 0.02, _clipped),
        ("three-holes", "audio.dropouts", 3.0, 0.0, lambda: _holes(3, 0.02)),
        ("two-repeats", "audio.repeats", 2.0, 0.0, _repeated),
        ("two-gated-pauses", "audio.noise_gate", 2.0, 0.0, lambda: _pauses(1.0, 0.5, 1.0, 0.5, 1.0)),
        ("half-silent", "audio.silence", 50.0, 1.0, lambda: _pauses(2.0, 4.0, 2.0)),
        ("waited-a-second", "audio.silence", 50.0, 1.0, lambda: np.roll(_pauses(1.0, 3.0), 3 * RATE // 2, axis=0)),
        ("late-start", "audio.leading_silence", 3.0, 0.05, lambda: _pauses(3.0, 3.0)[::-1]),
        ("long-pause", "audio.longest_pause", 4.0, 0.05, lambda: _pauses(2.0, 4.0, 2.0)),
        ("long-wait", "audio.trailing_silence", 3.0, 0.05, lambda: _pauses(3.0, 3.0)),
        ("cut-off-start", "audio.cut_start", 0.0, 0.7, lambda: _pauses(2.0, 0.2)),
        ("cut-off-end", "audio.cut_end", 0.0, 0.7, lambda: hiss(2.0)),
        # Line by line 30 dB and as a whole 2 more, which are so near that both count, and the error of three seconds.
        ("voice-over-noise", "audio.signal_to_noise", _both(30.0) + 4.0 / 3**0.5, 0.3, lambda: _loud_and_quiet(30.0)),
        # One alone counts 22 dB less; 2 and 10 dB under a voice of −23 dBFS they are 16 and 8 dB, and the mean of it.
        ("thump", "audio.handling", 8.0, 0.7, lambda: _swell(50.0, 30.0)),
        ("two-thumps", "audio.handling", 12.0, 0.7, lambda: np.concatenate((_swell(50.0, 30.0), _swell(50.0, 22.0)))),
        ("loud-thump", "audio.handling", 26.0, 0.7, lambda: _swell(50.0, 40.0)),
        ("thump-under-voice", "audio.handling", 0.0, 0.0, lambda: _swell(50.0, 30.0, during=0.3)),
        ("deep-voice", "audio.handling", 0.0, 0.0, lambda: _swell(100.0, 30.0)),
        ("spread-of-a-voice", "audio.flat_top", 3.52 / 0.627 * 0.555**2, 0.2, lambda: _spread(1.0)),
        ("overdriven", "audio.flat_top", 0.0, 0.02, lambda: _spread(0.95)),
        # In phase over 4 s, what lies 6.5 Hz beside it adds up to nothing.
        ("mains", "audio.hum", 100.0, 1.0, lambda: _mains(-50.0)),
        ("beside-mains", "audio.hum", 0.0, 0.0, lambda: _mains(-50.0, beside=6.5)),
        ("unheard-mains", "audio.hum", 0.0, 0.0, lambda: _mains(-70.0)),
        ("too-deep-mains", "audio.hum", 0.0, 0.0, lambda: _mains(-52.0, tones=1)),
    ):
        yield Vector(name, check, expected, tolerance, tolerance, known, make)
    # Noise of −26 dBFS moves the mean of a quarter of a second by 0.05 %, and that of eight by 0.02 %.
    yield Vector("offset", "audio.dc_offset", 1.0, 0.03, 0.0, known, lambda: hiss(2.0) + 0.01)
    yield Vector("cd-rate", "audio.sample_rate", 44100.0, 0.0, 0.0, known, lambda: hiss(1.0), 44100)


def vectors() -> tuple[Vector, ...]:
    """Every vector; its signal is only made when it is measured or written."""
    return (*_loudness(), *_peaks(), *_swings(), *_made())


def conformance(arguments: Sequence[str]) -> int:
    """Measure every vector and say what was found, or write them; exit code 1 when one is measured wrongly."""
    parser = argparse.ArgumentParser(
        prog="companion conformance", description="Measure signals whose measurements are known."
    )
    parser.add_argument("--json", action="store_true", help="print what is expected as JSON, and measure nothing")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write WAV files and vectors.json here")
    options = parser.parse_args(arguments)
    listed = msgspec.json.format(msgspec.json.encode([published(vector) for vector in vectors()]), indent=2)
    if options.write:
        write(options.write, listed)
    if options.json:
        sys.stdout.write(listed.decode() + "\n")
    if options.write or options.json:
        return 0
    results = [_told(measured(vector)) for vector in vectors()]
    sys.stdout.write(f"{sum(results)} of {len(results)} vectors are measured as they should be.\n")
    return 0 if all(results) else 1


def published(vector: Vector) -> Published:
    """What another implementation is told of a vector."""
    check = checks.published()[vector.check]
    bounds = (vector.expected, vector.under, vector.over)
    return Published(f"{vector.name}.wav", check.name, check.version, check.unit, *bounds, vector.source)


def write(folder: Path, listed: bytes) -> None:
    """Write every vector as a WAV file, and the list of them; about 200 MB."""
    folder.mkdir(parents=True, exist_ok=True)
    for vector in vectors():
        (folder / f"{vector.name}.wav").write_bytes(wav(vector))
    (folder / "vectors.json").write_bytes(listed + b"\n")


def _told(result: Measured) -> bool:
    vector, mark = result.vector, "ok   " if result.conforms else "WRONG"
    value = "nothing" if result.value is None else f"{result.value:.3f}"
    expected = f"{vector.expected:g} (−{vector.under:g} +{vector.over:g})"
    sys.stdout.write(f"{mark}  {vector.name.ljust(18)}{vector.check.ljust(28)}{value.rjust(10)}  expected {expected}\n")
    return result.conforms
