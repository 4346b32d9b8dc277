"""What can go wrong with a recording on a phone, done to a good one, mildly and strongly."""

# ruff: noqa: ARG001 - every way to spoil a recording takes the same arguments.

import io
from collections.abc import Callable
from dataclasses import dataclass

import av
import numpy as np
import scipy
from numpy.typing import NDArray

from benchmarks.accuracy.corpus import Signal
from benchmarks.accuracy.origins import Kind
from capture_validation.loudness import Weighting, integrated, steps

#: Takes samples of shape (samples, channels), the rate, a strength, and a source of chance; gives the spoilt ones.
Spoil = Callable[[Signal, int, float, np.random.Generator], Signal]
EVERY: tuple[Kind, ...] = ("speech", "ambient", "music")
VOICE: tuple[Kind, ...] = ("speech",)

#: Noise below this (Hz) is no noise that anybody hears. Until November 2026 pink noise went down to one swing in the
#: whole clip, and nearly half of its power was there: what was called 20 dB was 25 dB where a voice is.
DEEPEST_HZ = 20.0


@dataclass(frozen=True)
class Defect:
    """One way to spoil a recording, the check that must notice it, and in which kinds of recording it is one."""

    name: str
    check: str
    mild: float
    strong: float
    unit: str
    spoil: Spoil
    kinds: tuple[Kind, ...] = VOICE
    #: True where only recordings that were never encoded can show it: then all of these are spoilt, and compared.
    originals: bool = False
    #: What of a clip says that it has the defect as strongly as the mild one by itself, and from where on.
    own: str = ""
    below: float = 0.0
    #: True where it is the upper of two limits that is crossed.
    high: bool = False


def rms(samples: Signal) -> float:
    """Root mean square of all samples."""
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) + 1e-9


def clipped(samples: Signal, rate: int, percent: float, random: np.random.Generator) -> Signal:
    """The loudest share of the samples cut off."""
    top = np.quantile(np.abs(samples), 1 - percent / 100)
    return np.clip(samples, -top, top) / top


def squashed(samples: Signal, rate: int, percent: float, random: np.random.Generator) -> Signal:
    """Clipped, turned down by 6 dB, and through an MP3 encoder."""
    return encoded(clipped(samples, rate, percent, random) / 2, rate)


def encoded(
    samples: Signal, rate: int, codec: str = "libmp3lame", container: str = "mp3", fast: int = 44100, bits: int = 64000
) -> Signal:
    """Through a lossy encoder at so many bits a second a channel, at a rate of its own."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        layout = "mono" if samples.shape[1] == 1 else "stereo"
        stream = out.add_stream(codec, rate=fast, layout=layout)
        stream.bit_rate = bits * samples.shape[1]
        even = scipy.signal.resample_poly(samples, fast, rate, axis=0).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(even.T), "fltp", layout)
        frame.sample_rate = fast
        ready = av.AudioResampler(format=stream.format.name).resample(frame)
        for packet in [*(packet for one in ready for packet in stream.encode(one)), *stream.encode(None)]:
            out.mux(packet)
    file.seek(0)
    with av.open(file) as media:
        parts = [part.to_ndarray() for frame in media.decode(audio=0) for part in planar(frame)]
    return np.asarray(scipy.signal.resample_poly(np.concatenate(parts, axis=1).T, rate, fast, axis=0), np.float32)


def planar(frame: av.AudioFrame) -> list[av.AudioFrame]:
    """A frame as floats, channel by channel."""
    return av.AudioResampler(format="fltp").resample(frame)


def through_mp3(samples: Signal, rate: int, bits: float, random: np.random.Generator) -> Signal:
    """Through MP3 at so many kbit/s a channel, and into 16 bits, as a WAV that is made of it."""
    return np.round(encoded(samples, rate, bits=int(bits * 1000)) * 32768) / 32768


def level(samples: Signal, rate: int, lufs: float, random: np.random.Generator) -> Signal:
    """Turned to this loudness."""
    now = integrated(steps([Weighting(rate).take(np.ascontiguousarray(samples.T))]))
    return samples if now is None else samples * 10 ** ((lufs - now) / 20)


def shifted(samples: Signal, rate: int, offset: float, random: np.random.Generator) -> Signal:
    """A constant offset of this size, whatever it was before."""
    return samples - samples.mean(axis=0) + np.float32(offset)


def hum(samples: Signal, rate: int, level_db: float, random: np.random.Generator) -> Signal:
    """50 or 60 Hz with five harmonics."""
    times, mains = np.arange(len(samples)) / rate, random.choice([50.0, 60.0])
    waves = sum(np.sin(2 * np.pi * mains * n * times + random.uniform(0, 6.28)) / n for n in range(1, 7))
    return samples + 10 ** (level_db / 20) * np.asarray(waves)[:, None]


def white(samples: Signal, rate: int, ratio_db: float, random: np.random.Generator) -> Signal:
    """White noise this far under the recording."""
    return samples + random.normal(0, rms(samples) * 10 ** (-ratio_db / 20), samples.shape)


def pink(samples: Signal, rate: int, ratio_db: float, random: np.random.Generator) -> Signal:
    """Noise that falls by 3 dB an octave from 20 Hz on, as fans and streets do; nobody hears what is deeper."""
    spectrum = np.fft.rfft(random.normal(0, 1, samples.shape), axis=0)
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    spectrum *= np.where(hertz >= DEEPEST_HZ, 1 / np.sqrt(np.maximum(hertz, DEEPEST_HZ)), 0.0)[:, None]
    noise = np.fft.irfft(spectrum, len(samples), axis=0)
    return samples + noise / rms(noise) * rms(samples) * 10 ** (-ratio_db / 20)


def babble(samples: Signal, rate: int, ratio_db: float, random: np.random.Generator) -> Signal:
    """Six voices at once, this far under the recording: its own, backwards, each at another pitch and another place.

    Without its pauses: a crowd does not fall silent together, and one word would leave most of the time to nobody.
    """
    crowd, spoken = np.zeros(samples.shape), heard(samples, rate)[::-1]
    for pitch in random.integers(85, 118, 6):
        voice = scipy.signal.resample_poly(spoken, pitch, 100, axis=0)
        places = random.integers(len(voice)) + np.arange(len(samples))
        crowd += np.take(voice, places, axis=0, mode="wrap")
    return samples + crowd / rms(crowd) * rms(samples) * 10 ** (-ratio_db / 20)


def heard(samples: Signal, rate: int) -> Signal:
    """What is at most 30 dB under the loudest twentieth, in steps of 20 ms."""
    length = rate // 50
    steps = samples[: len(samples) // length * length].reshape(-1, length, samples.shape[1])
    powers = (steps.astype(np.float64) ** 2).mean(axis=(1, 2))
    return steps[powers >= np.percentile(powers, 95) / 1000].reshape(-1, samples.shape[1])


def gusts(samples: Signal, rate: int, over_db: float, random: np.random.Generator) -> Signal:
    """Noise below 60 Hz that comes and goes."""
    sections = scipy.signal.butter(2, 60, fs=rate, output="sos")
    deep = scipy.signal.sosfilt(sections, random.normal(0, 1, samples.shape), axis=0)
    swell = np.clip(np.sin(np.arange(len(samples)) / rate * 3 + random.uniform(0, 6)), 0, 1)[:, None]
    return samples + deep / rms(deep) * swell * rms(samples) * 10 ** (over_db / 20)


def thumps(samples: Signal, rate: int, over_db: float, random: np.random.Generator) -> Signal:
    """Three decaying thumps of 55 Hz."""
    spoilt, times = samples.copy(), np.arange(int(0.15 * rate)) / rate
    thump = np.sin(2 * np.pi * 55 * times) * np.exp(-times * 30) * rms(samples) * 10 ** (over_db / 20)
    for at in random.integers(0, len(samples) - len(times), 3):
        spoilt[at : at + len(times)] += thump[:, None]
    return spoilt


def holes(samples: Signal, rate: int, milliseconds: float, random: np.random.Generator) -> Signal:
    """Three stretches of nothing where it is loud."""
    spoilt, length = samples.copy(), int(rate * milliseconds / 1000)
    loud = np.flatnonzero(np.abs(samples[: len(samples) - length]).max(axis=1) > np.quantile(np.abs(samples), 0.9))
    for at in apart(random.permutation(loud), 3, 2 * length + rate // 20):
        spoilt[at : at + length] = 0
    return spoilt


def apart(places: NDArray[np.int64], count: int, distance: int) -> list[int]:
    """The first of some places that are not nearer to each other than a distance: what overlaps is one stretch."""
    kept: list[int] = []
    while len(kept) < count and len(places):
        kept.append(int(places[0]))
        places = places[np.abs(places - kept[-1]) >= distance]
    return kept


def lost(samples: Signal, rate: int, milliseconds: float, random: np.random.Generator) -> Signal:
    """Three stretches of nothing where it is loud, and then through an Opus encoder, as a call leaves them."""
    return encoded(holes(samples, rate, milliseconds, random), rate, "libopus", "ogg", 48000)


def stutter(samples: Signal, rate: int, times: float, random: np.random.Generator) -> Signal:
    """Packets of 20 ms heard twice, where it is loud."""
    spoilt, length = samples.copy(), rate // 50
    loud = np.flatnonzero(np.abs(samples).max(axis=1) > np.quantile(np.abs(samples), 0.9))
    for at in random.choice(loud[(loud > length) & (loud < len(samples) - length)], int(times)):
        spoilt[at : at + length] = spoilt[at - length : at]
    return spoilt


def clicks(samples: Signal, rate: int, times: float, random: np.random.Generator) -> Signal:
    """Eight single samples, so many times as strong as the recording."""
    spoilt = samples.copy()
    spoilt[random.integers(rate // 10, len(samples) - rate // 10, 8)] += times * rms(samples)
    return spoilt


def padded(samples: Signal, rate: int, percent: float, random: np.random.Generator) -> Signal:
    """Silence of a room behind it, until this much of it is silent."""
    room = random.normal(0, 1e-5, (int(len(samples) * percent / (100 - percent)), samples.shape[1]))
    return np.concatenate((samples, room))


def one_sided(samples: Signal, rate: int, quieter_db: float, random: np.random.Generator) -> Signal:
    """Two channels, one of them nearly dead."""
    mono = samples[:, :1]
    return np.hstack((mono, mono * 10 ** (-quieter_db / 20)))


def inverted(samples: Signal, rate: int, share: float, random: np.random.Generator) -> Signal:
    """Two channels, one of them upside down, with some of the right one left."""
    mono = samples[:, :1]
    return np.hstack((mono, -mono * share + mono * (1 - share) * 0.2))


def gated(samples: Signal, rate: int, below_db: float, random: np.random.Generator) -> Signal:
    """Shut off wherever 20 ms are this far under the loud ones; as it was where no two pauses lie between words."""
    length = rate // 50
    spoilt = samples.copy()
    frames = spoilt[: len(samples) // length * length].reshape(-1, length, samples.shape[1])
    levels = 10 * np.log10((frames.astype(np.float64) ** 2).mean(axis=(1, 2)) + 1e-12)
    shut = levels < np.percentile(levels, 95) - below_db
    frames[shut] = 0
    between = np.flatnonzero(~shut)
    inside = shut[between[0] : between[-1]]
    pauses = np.count_nonzero(inside[:-2] & inside[1:-1] & ~inside[2:])
    return spoilt if pauses >= 2 else samples


def cut_end(samples: Signal, rate: int, share: float, random: np.random.Generator) -> Signal:
    """Stopped in the loudest moment of what comes after this share; as it was where nobody speaks that late."""
    at = loudest(samples, rate, int(len(samples) * share), len(samples))
    return samples if at is None else enough(samples[: at + rate // 100], samples, rate)


def cut_start(samples: Signal, rate: int, share: float, random: np.random.Generator) -> Signal:
    """Begun in the loudest moment of this share; as it was where nobody speaks that early."""
    at = loudest(samples, rate, 0, int(len(samples) * share))
    return samples if at is None else enough(samples[at:], samples, rate)


def enough(cut: Signal, samples: Signal, rate: int) -> Signal:
    """What was cut, or all of it where that leaves less than a second, which is another defect."""
    return cut if len(cut) > rate else samples


def loudest(samples: Signal, rate: int, first: int, last: int) -> int | None:
    """Where the loudest 30 ms between two samples begin; None where they are 10 dB under the loudest tenth of all."""
    length = max(rate * 3 // 100, 1)
    powers = np.array([rms(samples[at : at + length]) for at in range(0, len(samples) - length, length)])
    near = powers[first // length : max(last // length, first // length + 1)]
    loud = np.percentile(powers, 90) * 10 ** (-10 / 20)
    return (first // length + int(np.argmax(near))) * length if len(near) and near.max() >= loud else None


def hall(samples: Signal, rate: int, seconds: float, random: np.random.Generator) -> Signal:
    """An echo that dies away by 60 dB in so many seconds, as loud as the voice itself."""
    length = int(seconds * rate)
    tail = random.normal(0, 1, length) * 10 ** (-3 * np.arange(length) / length)
    tail /= np.sqrt((tail**2).sum())
    tail[0] = 0.7
    return scipy.signal.fftconvolve(samples, tail[:, None], axes=0)[: len(samples)]


def called(samples: Signal, rate: int, bits: float, random: np.random.Generator) -> Signal:
    """Through a telephone call: 8 kHz and AMR at so many kbit/s; as it was where it came from one."""
    if rate <= 8000:
        return samples
    return encoded(samples[:, :1], rate, "libopencore_amrnb", "amr", 8000, int(bits * 1000))


def tone(samples: Signal, rate: int, share: float, random: np.random.Generator) -> Signal:
    """A test tone instead of this share of it."""
    spoilt, length = samples.copy(), int(len(samples) * share)
    wave = 0.3 * np.sin(2 * np.pi * random.uniform(300, 2500) * np.arange(length) / rate)
    spoilt[:length] = wave[:, None]
    return spoilt


def mumbled(samples: Signal, rate: int, share: float, random: np.random.Generator) -> Signal:
    """Noise of the same loudness instead of speech, but for a rest."""
    kept = int(len(samples) * (1 - share))
    noise = random.normal(0, rms(samples), (len(samples) - kept, samples.shape[1]))
    return np.concatenate((samples[:kept], noise))


DEFECTS = (
    Defect("clipping", "audio.clipping", 1, 5, "%", clipped, EVERY),
    Defect("clipping, −6 dB, MP3", "audio.flat_top", 1, 5, "%", squashed),
    # Five and ten decibels under what a voice and music may have; a forest may be as quiet as the former.
    Defect("too quiet", "audio.loudness", -45, -60, "LUFS", level, ("speech", "music")),
    Defect("too loud", "audio.loudness", -7, -4, "LUFS", level, EVERY, high=True),
    Defect("constant offset", "audio.dc_offset", 0.005, 0.02, "of 1", shifted, VOICE),
    Defect("hum", "audio.hum", -50, -35, "dB", hum),
    Defect("white noise", "audio.signal_to_noise", 20, 10, "dB SNR", white),
    Defect("pink noise", "audio.signal_to_noise", 20, 10, "dB SNR", pink),
    Defect("babble", "audio.signal_to_noise", 15, 5, "dB SNR", babble),
    Defect("wind", "audio.wind", 10, 20, "dB", gusts),
    Defect("thumps", "audio.handling", 10, 20, "dB", thumps),
    Defect("gaps", "audio.dropouts", 20, 100, "ms", holes, EVERY),
    Defect("gaps, then Opus", "audio.encoded_gaps", 20, 60, "ms", lost),
    Defect("MP3 history", "audio.mp3_history", 64, 48, "kbit/s", through_mp3, EVERY, originals=True),
    Defect("MP3 history, its edge", "audio.spectral_edge", 64, 48, "kbit/s", through_mp3, EVERY, originals=True),
    Defect("repeated packets", "audio.repeats", 1, 5, "times", stutter, EVERY),
    Defect("clicks", "audio.clicks", 2, 6, "× RMS", clicks),
    Defect(
        "silence added", "audio.trailing_silence", 50, 90, "%", padded, ("speech", "music"), own="wait_s", below=-2.5
    ),
    Defect("mostly silence", "audio.silence", 60, 90, "%", padded, ("speech", "music")),
    Defect("dead channel", "audio.channel_balance", 15, 40, "dB", one_sided, EVERY, own="balance_db", below=-15),
    Defect("inverted channel", "audio.channel_phase", 0.7, 1, "of 1", inverted, EVERY),
    Defect("noise gate", "audio.noise_gate", 35, 25, "dB below", gated),
    Defect("end cut off", "audio.cut_end", 0.7, 0.4, "share", cut_end),
    Defect("start cut off", "audio.cut_start", 0.3, 0.6, "share", cut_start),
    Defect("echo", "audio.reverberation", 0.3, 1, "s", hall),
    Defect("telephone band", "audio.bandwidth", 12.2, 4.75, "kbit/s AMR", called),
    Defect("test tone", "audio.constant_tone", 0.5, 1, "share", tone, EVERY),
    Defect("little speech", "audio.speech_share", 0.8, 0.9, "share of noise", mumbled),
    Defect("no speech", "audio.speech", 1, 1, "share", mumbled),
)
