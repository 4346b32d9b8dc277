"""One pass over a film, against FFmpeg's own filters on the same pictures; then what length and a cleaned copy cost.

The peer is what an engineer would type: `blackdetect`, `freezedetect`, `blurdetect` and `signalstats`, through the
libavfilter that PyAV carries, one thread. Bare decoding is the floor under everything that decodes every picture. The
X-ray's networks are measured apart, per look. The film is one real take, scaled to each size and coded as a phone does;
long films are the short one again and again.

A film that we coded ourselves is one encoder's; the part `real` looks at films as phones recorded them, all that lie in
the folder COMPANION_REAL_FILMS, each short enough for the filters to look at it five times.

Run as `python -m benchmarks.video [PART...]` with any of sizes, real, lengths, deepest, looks: everything takes a
quarter of an hour, and a machine is seldom quiet for so long.
"""

import gc
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import av.filter
import cv2

from benchmarks.comparison import Cost, Work, cost_of, median, table
from capture_validation.analysis import analyse
from capture_validation.decode import VideoFrame, open_recording
from capture_validation.duplicates.recording import Fingerprinter
from capture_validation.profile import Profile, profile
from capture_validation.report import Tier
from capture_validation.sandbox.warmup import warm_up
from capture_validation.xray.looking import Looker, shown
from capture_validation.xray.models import models

MEDIA = Path(os.environ.get("COMPANION_TEST_MEDIA", "../shared")) / "media"
TAKE = "video_station_60fps_15s.mp4"
REAL = os.environ.get("COMPANION_REAL_FILMS", "")
PEER = ("blackdetect", "freezedetect", "blurdetect", "signalstats")
RATE, ROUNDS = 30, 5
MINUTES = (1, 10)


@dataclass(frozen=True)
class Film:
    """What is filmed: the take at a size, in a codec, for so many seconds."""

    name: str
    width: int
    height: int
    bit_rate: int
    seconds: float
    codec: str = "libx264"
    form: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"preset": "veryfast", "g": "30"}, hash=False)


#: As phones record them; the larger, the shorter, because the filters take a minute for two seconds of 4K.
FILMS = (
    Film("480p", 854, 480, 3_000_000, 10),
    Film("1080p", 1920, 1080, 16_000_000, 5),
    Film("2160p", 3840, 2160, 45_000_000, 2),
)
#: What grows with length does not ask for bits, and ten minutes of a phone's 4K would take a quarter of an hour.
SPARE = Film("2160p of few bits", 3840, 2160, 1_500_000, 4)
#: Six pictures of 25 MB each that later ones may refer to: what a decoder of level 5.1 must hold at the most.
DEEP = Film("2160p HEVC", 3840, 2160, 30_000_000, 0.8, "libx265", "yuv420p10le",
            {"preset": "ultrafast", "x265-params": "log-level=none:keyint=30:ref=6:bframes=4"})  # fmt: skip


def main(parts: Sequence[str]) -> None:
    """Measure at three sizes and several lengths, and print a table for each part."""
    if not (MEDIA / TAKE).is_file():
        print(f"\nVideo: skipped, there is no {MEDIA / TAKE} (COMPANION_TEST_MEDIA)")
        return
    # Every run is a fork of this process, as every examination is one of the sandbox's: warm before a recording comes,
    # and what it knows is left alone by the garbage collector.
    warm_up()
    gc.collect()
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        for part in parts or PARTS:
            title, head, measured = PARTS[part]
            if rows := [*measured(Path(folder))]:
                print(table(title, head, rows), flush=True)


def sizes(folder: Path) -> Iterator[list[str]]:
    """A row for each way to look at each film."""
    for one in FILMS:
        yield from compared(film(folder, one), one)


def compared(file: Path, one: Film) -> Iterator[list[str]]:
    """A row for each way to look at a film."""
    costs = costs_of(file)
    peer, floor = costs["FFmpeg filters"].cpu_s, costs["decoding"].cpu_s
    for name, cost in costs.items():
        yield [
            f"{one.name:>5}  {name}", f"{cost.cpu_s * 1000 / one.seconds:.0f}", f"{cost.memory_mb:.0f}",
            f"{peer / cost.cpu_s:.1f}", f"{cost.cpu_s / floor:.2f}",
        ]  # fmt: skip


def costs_of(file: Path) -> dict[str, Cost]:
    """The median of what each way to look at a film costs, all of them taking turns."""
    ways: dict[str, Work] = {
        "FFmpeg filters": partial(filtered, file),
        "decoding": partial(decoded, file),
        "full tier": partial(examined, file, "full"),
        "full tier and fingerprint": partial(examined, file, "full", fingerprint=True),
        "instant tier": partial(examined, file, "instant"),
    }
    runs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, work in ways.items():
            runs[name].append(cost_of(work, warm))
    return {name: median(found) for name, found in runs.items()}


def real(_folder: Path) -> Iterator[list[str]]:
    """A row for each film in the folder of real ones, and one for the median of each column."""
    films = sorted(file for file in Path(REAL).rglob("*.*") if file.is_file()) if REAL else []
    if not films:
        print("\nReal films: skipped, COMPANION_REAL_FILMS names no folder that holds any")
        return
    rows = []
    for file in films:
        costs = costs_of(file)
        peer, floor, full = (costs[name].cpu_s for name in ("FFmpeg filters", "decoding", "full tier"))
        fingerprint, instant = costs["full tier and fingerprint"].cpu_s, costs["instant tier"].cpu_s
        rows.append([full / floor, fingerprint / floor, peer / full, peer / instant, peer / floor])
        yield [*described(file, floor), *(f"{ratio:.2f}" for ratio in rows[-1])]
    middle = [statistics.median(column) for column in zip(*rows, strict=True)]
    yield [f"median of {len(rows)}", "", "", *(f"{ratio:.2f}" for ratio in middle)]


def described(file: Path, decoding_s: float) -> list[str]:
    """What a film is, how long, and what one of its pictures takes to decode."""
    with av.open(file) as media:
        track = media.streams.video[0]
        context, length_s = track.codec_context, (media.duration or 0) / av.time_base
        name = f"{file.name}, {context.name} {context.width}×{context.height}"
    shown = sum(1 for _ in pictures(file))
    return [name, f"{length_s:.1f}", f"{decoding_s * 1000 / max(shown, 1):.1f}"]


def lengths(folder: Path) -> Iterator[list[str]]:
    """A row for each size and length."""
    for one in (*FILMS, SPARE):
        file = film(folder, one)
        for minutes in MINUTES if one.height < 2000 or one is SPARE else MINUTES[:1]:
            cost = cost_of(partial(examined, again(file, one.seconds, minutes * 60), "full"), warm)
            yield [f"{one.name:>5}  {minutes:>2} min", f"{cost.cpu_s / minutes / 0.06:.0f}", f"{cost.memory_mb:.0f}"]


def deepest(folder: Path) -> Iterator[list[str]]:
    """Rows for a film whose decoder holds the most pictures."""
    file = film(folder, DEEP)
    ways = {"decoding": partial(decoded, file), "full tier": partial(examined, file, "full")}
    for name, work in ways.items():
        cost = cost_of(work, warm)
        yield [name, f"{cost.cpu_s * 1000 / DEEP.seconds:.0f}", f"{cost.memory_mb:.0f}"]


def film(folder: Path, one: Film) -> Path:
    """Write the beginning of the take at another size, unless it is there."""
    path = folder / f"{one.name}.mp4"
    if path.is_file():
        return path
    with av.open(MEDIA / TAKE) as take, av.open(path, "w") as out:
        stream: Any = out.add_stream(one.codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = one.width, one.height, one.form, one.bit_rate
        stream.codec_context.options = one.options
        for number, picture in enumerate(take.decode(video=0)):
            if number == round(one.seconds * RATE):
                break
            frame = picture.reformat(one.width, one.height, one.form)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def again(file: Path, seconds: float, length_s: float) -> Path:
    """The same coded pictures over and over, until the film is long enough."""
    path = file.with_name(f"{file.stem} {length_s:.0f} s.mp4")
    with av.open(path, "w") as out:
        stream: Any = None
        for turn in range(round(length_s / seconds)):
            with av.open(file) as short:
                stream = stream or out.add_stream_from_template(short.streams.video[0])
                for packet in short.demux(short.streams.video[0]):
                    if packet.pts is None or packet.dts is None or packet.time_base is None:
                        continue
                    later = round(turn * seconds / packet.time_base)
                    packet.pts, packet.dts, packet.stream = packet.pts + later, packet.dts + later, stream
                    out.mux(packet)
    return path


def warm() -> None:
    """Nothing is left to load where the process that forks is warm; else the networks, and every check."""
    models()
    profile("video")


def pictures(file: Path) -> Iterator[av.VideoFrame]:
    """Every picture, decoded by one thread, as this library decodes."""
    with av.open(file) as media:
        context = media.streams.video[0].codec_context
        context.thread_type, context.thread_count = "NONE", 1
        yield from media.decode(video=0)


def decoded(file: Path) -> None:
    """Decode picture and sound, and look at nothing: films that phones recorded have both."""
    with av.open(file) as media:
        for track in media.streams:
            context = track.codec_context
            if isinstance(context, av.VideoCodecContext):
                context.thread_type, context.thread_count = "NONE", 1
        for _ in media.decode(*media.streams.video[:1], *media.streams.audio[:1]):
            pass


def filtered(file: Path) -> None:
    """Run the peer's filters over every picture."""
    graph = None
    for picture in pictures(file):
        if graph is None:
            graph = av.filter.Graph()
            graph.threads = 1
            source = graph.add_buffer(width=picture.width, height=picture.height, format=picture.format.name,
                                      time_base=picture.time_base)  # fmt: skip
            chain = [source, *(graph.add(name) for name in PEER), graph.add("buffersink")]
            graph.link_nodes(*chain).configure()
        graph.push(picture)
        graph.pull()


def examined(file: Path, tier: Tier, *, fingerprint: bool = False) -> None:
    """Every picture check of the video profile, and what the fingerprint needs in the same decode."""
    cv2.setNumThreads(1)
    rules = profile("video")
    seen = {name: rule for name, rule in rules.rules.items() if name.startswith("video.")}
    beside = [Fingerprinter()] if fingerprint else []
    with file.open("rb") as opened:
        analyse(opened, Profile(rules.name, rules.version, rules.media, seen), beside=beside, tier=tier)
    for listener in beside:
        listener.finish()


def looks(folder: Path) -> Iterator[list[str]]:
    """A row for each network: the mean of one look, the picture made ready for it left out."""
    file = film(folder, FILMS[1])
    cv2.setNumThreads(1)
    found = models()
    lookers = [Looker("faces", found.faces, 0.5), Looker("text", found.text, 0.5)]
    with file.open("rb") as opened, open_recording(opened) as recording:
        for part in recording.read():
            due = [looker for looker in lookers if looker.due(part.at_s)]
            if due and isinstance(part, VideoFrame):
                for looker in due:
                    looker.look(shown(part, "", looker.long_side), part.at_s)
    for looker in lookers:
        if looker.finder is not None:
            each = f"{looker.cost_s * 1000 / max(looker.looked_at, 1):.0f}"
            yield [looker.kind, looker.finder.name, str(looker.looked_at), each]


#: What can be measured: the table's title and head, and its rows.
PARTS: dict[str, tuple[str, list[str], Callable[[Path], Iterator[list[str]]]]] = {
    "sizes": (
        f"One pass: capture_validation against FFmpeg {'+'.join(PEER)}",
        ["H.264, 30 fps", "CPU ms per s", "growth MB", "peer / this", "this / decoding"],
        sizes,
    ),
    "real": (
        "Films as phones recorded them, each with all it takes to open it",
        ["Film", "s", "ms a picture", "full / decoding", "and fingerprint", "filters / full", "filters / instant",
         "filters / decoding"],
        real,
    ),
    "lengths": (
        "Length: what is resident beyond the idle process", ["full tier", "CPU ms per s", "growth MB"], lengths,
    ),
    "deepest": (
        "The most that a decoder keeps", ["H.265 10 bit, 6 references, 0.8 s", "CPU ms per s", "growth MB"], deepest,
    ),
    "looks": ("X-ray, per look", ["Looks for", "Network", "looks", "CPU ms"], looks),
}  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
