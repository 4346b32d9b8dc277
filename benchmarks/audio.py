"""One pass over a voice, against FFmpeg's own filters and librosa on the same file.

The first peer is what a sound engineer would type: `astats`, `ebur128` with true peak, and `silencedetect`, through the
libavfilter that PyAV carries. It measures less than we do (no noise estimate, no bandwidth, no time spans) and is
written in C, so it is a bar and not an equal. The second is what a researcher would type: the usual features of
librosa, on the whole file in memory. Growth is the same minute repeated: time must grow with the length, and memory
must not.
"""

import math
import sys
import tempfile
import wave
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import av
import av.filter
import librosa
import numpy as np
import scipy

from benchmarks.comparison import Cost, cost_of, table, take_turns
from capture_validation.analysis import analyse
from capture_validation.check import AudioCheck
from capture_validation.checks import published
from capture_validation.decode import open_recording
from capture_validation.profile import Profile, profile

SAMPLE_RATE = 48_000
#: A minute that encoders may pad: sixty of them must not last longer than the hour that is taken.
MINUTE_S = 59.9
#: Minutes, and how often each length is measured.
LENGTHS = {1: 3, 10: 1, 60: 1}
#: Longer files do not fit into a common machine's memory as librosa's features do: 60 minutes take several gigabytes.
LONGEST_WHOLE = 10
#: Name, suffix, encoder and bits a second of every form the voice comes in.
FORMS = (("WAV", "wav", "pcm_s16le", 0), ("Opus", "opus", "libopus", 48_000), ("AAC", "m4a", "aac", 96_000))
PEER = "astats=metadata=1,ebur128=peak=true:framelog=quiet,silencedetect=noise=-50dB:d=0.5"
HEAD = ["mono voice, 48 kHz", "CPU ms per minute", "memory MB", "ratio CPU"]


def main(minutes: Sequence[int] = tuple(LENGTHS)) -> None:
    """Measure every form at every length (in minutes) and print the cost per minute of media."""
    with tempfile.TemporaryDirectory() as folder:
        first = voice(Path(folder) / "minute.wav", MINUTE_S)
        short = voice(Path(folder) / "warm.wav", 2)
        rows = [
            row
            for length in minutes
            for name, suffix, codec, bits in FORMS
            for row in compared(
                repeated(first, Path(folder) / f"{length}.{suffix}", codec, bits, length), name, length, short
            )
        ]
    print(table("One pass: capture_validation (all signal checks) against FFmpeg and librosa", HEAD, rows))


def compared(file: Path, form: str, minutes: int, short: Path) -> Iterator[list[str]]:
    """A row for every way to look at a file: ours, its decoding alone, ours with listening for voices, the peers."""
    warm = (partial(examine, short, listening=True), partial(filtered, short))
    rounds = LENGTHS.get(minutes, 1)
    ours, peer = take_turns(partial(examine, file, listening=False), partial(filtered, file), warm, rounds)
    costs = {
        f"{form:4s} {minutes:2d} min  ours": ours,
        "             decoding alone": cost_of(partial(decoded, file), partial(decoded, short)),
        "             ours and voices": cost_of(partial(examine, file, listening=True), warm[0]),
        "             FFmpeg": peer,
    }
    if form == "WAV" and minutes <= LONGEST_WHOLE:
        costs["             librosa"] = cost_of(partial(features, file), partial(features, short))
    for name, cost in costs.items():
        yield [name, *figures(cost, minutes), f"{cost.cpu_s / peer.cpu_s:.2f}"]
    file.unlink()


def figures(cost: Cost, minutes: int) -> list[str]:
    """Processor time per minute of media, and growth of memory."""
    return [f"{cost.cpu_s * 1000 / minutes:.0f}", f"{cost.memory_mb:.1f}"]


def examine(file: Path, *, listening: bool) -> None:
    """Every check of the speech profile, as a worker runs them inside its sandbox; without those about a voice."""
    rules = profile("speech")
    if not listening:
        kept = {name: rule for name, rule in rules.rules.items() if not about_speech(name)}
        rules = Profile(rules.name, rules.version, rules.media, kept)
    with file.open("rb") as opened:
        report = analyse(opened, rules)
    if report.rejection is not None:
        raise RuntimeError(f"The measured file was rejected: {report.rejection}")


def about_speech(name: str) -> bool:
    """Whether a check makes its profile listen for voices: a network, which the peer has nothing beside."""
    check = published()[name]
    return issubclass(check, AudioCheck) and check.about_speech


def decoded(file: Path) -> None:
    """The blocks of the file, and nobody looks at them."""
    with file.open("rb") as opened, open_recording(opened) as recording:
        for _ in recording.read():
            pass


def filtered(file: Path) -> None:
    """The same file through FFmpeg's filters, and their output thrown away."""
    with av.open(str(file)) as media:
        stream = media.streams.audio[0]
        graph = av.filter.Graph()
        first = last = graph.add_abuffer(template=stream)
        for text in PEER.split(","):
            name, _, options = text.partition("=")
            following = graph.add(name, options)
            last.link_to(following)
            last = following
        last.link_to(graph.add("abuffersink"))
        graph.configure()
        for frame in media.decode(stream):
            first.push(frame)
            drain(graph)


def drain(graph: av.filter.Graph) -> None:
    """Take from the graph what it has ready."""
    while True:
        try:
            graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return


def features(file: Path) -> None:
    """The features of librosa that are nearest to our measures, over the whole file."""
    samples, rate = librosa.load(file, sr=None)
    spectra = np.abs(librosa.stft(samples)) ** 2
    librosa.feature.melspectrogram(S=spectra, sr=rate)
    librosa.feature.rms(y=samples)
    librosa.feature.zero_crossing_rate(samples)
    for feature in (librosa.feature.spectral_centroid, librosa.feature.spectral_rolloff):
        feature(S=spectra, sr=rate)
    librosa.feature.spectral_flatness(S=spectra)


def voice(file: Path, length_s: float) -> Path:
    """Write a voice-like recording: four syllables a second of pulses through two formants, with pauses, 16 bit.

    It is made here so that the benchmark runs in any clone; all sides get the same samples.
    """
    random = np.random.default_rng(20260314)
    words = np.concatenate([word(random) for _ in range(math.ceil(length_s))])
    samples = (words + random.normal(size=len(words)) * 1e-3)[: round(length_s * SAMPLE_RATE)]
    with wave.open(str(file), "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(SAMPLE_RATE)
        output.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file


def word(random: np.random.Generator) -> np.ndarray:
    """A second of sound: three syllables on a pitch of their own, and a pause."""
    at_s = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    pulses = np.diff(
        np.floor(np.cumsum(random.uniform(90, 220) / SAMPLE_RATE * (1 + 0.1 * np.sin(9 * at_s)))), prepend=0
    )
    sound = pulses + random.normal(size=SAMPLE_RATE) * 0.02
    for centre in (random.uniform(300, 900), random.uniform(1200, 2600)):
        sound = scipy.signal.lfilter(*scipy.signal.iirpeak(centre, 4, fs=SAMPLE_RATE), sound)
    syllables = np.clip(np.sin(2 * np.pi * 4 * at_s), 0, 1) * (at_s < 0.75)
    return np.asarray(sound / np.abs(sound).max() * syllables * 0.5)


def repeated(source: Path, file: Path, codec: str, bits: int, times: int) -> Path:
    """Encode a recording once and write its packets so many times, which costs nothing for an hour."""
    packets = []
    with av.open(str(source)) as media, av.open(str(file), "w") as out:
        stream = out.add_stream(codec, rate=SAMPLE_RATE, layout="mono")
        if bits:
            stream.bit_rate = bits
        for frame in [*media.decode(audio=0), None]:
            packets += stream.encode(frame)
        length = sum(packet.duration for packet in packets)
        payloads = [(bytes(packet), packet.pts, packet.duration, packet.time_base) for packet in packets]
        for turn in range(times):
            for payload, pts, duration, time_base in payloads:
                packet = av.Packet(payload)
                packet.stream, packet.time_base, packet.duration = stream, time_base, duration
                packet.pts = packet.dts = pts + turn * length
                out.mux(packet)
    return file


if __name__ == "__main__":
    main([int(minutes) for minutes in sys.argv[1:]] or tuple(LENGTHS))
