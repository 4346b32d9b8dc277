"""One pass over a voice, against FFmpeg's own filters on the same samples.

The peer is what a sound engineer would type: `astats`, `ebur128` with true peak, and `silencedetect`, through the
libavfilter that PyAV carries. It measures less than we do (no noise estimate, no bandwidth, no time spans) and is
written in C, so it is a bar and not an equal. Growth is the same voice repeated: time must grow with the length, and
memory must not.
"""

import tempfile
import wave
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import av
import av.filter
import numpy as np

from benchmarks.comparison import Cost, table, take_turns
from capture_validation.analysis import analyse
from capture_validation.check import AudioCheck
from capture_validation.checks import published
from capture_validation.profile import Profile, profile

SAMPLE_RATE = 48_000
LENGTHS_S = (60, 240, 960)
PEER = "astats=metadata=1,ebur128=peak=true:framelog=quiet,silencedetect=noise=-50dB:d=0.5"


def main() -> None:
    """Measure at three lengths and print cost per minute of media."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for length in LENGTHS_S for row in compared(voice(Path(folder) / f"{length}.wav", length), length)]
    head = ["mono voice, 48 kHz", "CPU ms per minute", "memory MB", "ratio CPU"]
    print(table("One pass: capture_validation (all checks) against FFmpeg astats+ebur128+silencedetect", head, rows))


def compared(file: Path, length_s: int) -> Iterator[list[str]]:
    """Three rows: ours without and with listening for voices, and the peer with the ratio to it."""
    warm_up = voice(file.with_name("warm.wav"), 2)
    warm = (partial(examine, warm_up, listening=True), partial(filtered, warm_up))
    ours, peer = take_turns(partial(examine, file, listening=False), partial(filtered, file), warm, 3)
    whole, _ = take_turns(partial(examine, file, listening=True), partial(filtered, file), warm, 1)
    yield [f"{length_s:4d} s  ours", *figures(ours, length_s), f"{ours.cpu_s / peer.cpu_s:.2f}"]
    yield ["        and voices", *figures(whole, length_s), f"{whole.cpu_s / peer.cpu_s:.2f}"]
    yield [f"{length_s:4d} s  FFmpeg", *figures(peer, length_s), "1.00"]


def figures(cost: Cost, length_s: int) -> list[str]:
    """Processor time per minute of media, and growth of memory."""
    return [f"{cost.cpu_s * 60_000 / length_s:.0f}", f"{cost.memory_mb:.1f}"]


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


def voice(file: Path, length_s: int) -> Path:
    """Write a voice-like recording: syllables of filtered noise with pauses between words, 16 bit, one channel.

    It is made here so that the benchmark runs in any clone; both sides get the same samples.
    """
    random = np.random.default_rng(20260314)
    second = random.normal(size=(SAMPLE_RATE, 1)).cumsum(axis=0)
    second -= np.linspace(second[0], second[-1], SAMPLE_RATE)
    at_s = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    syllables = np.clip(np.sin(2 * np.pi * 4 * at_s), 0, 1) * (at_s < 0.75)
    samples = second[:, 0] / np.abs(second).max() * syllables * 0.5 + random.normal(size=SAMPLE_RATE) * 1e-3
    with wave.open(str(file), "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(SAMPLE_RATE)
        for _ in range(length_s):
            output.writeframes((samples * 32767).astype("<i2").tobytes())
    return file


if __name__ == "__main__":
    main()
