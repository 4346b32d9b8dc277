"""One pass over a film, against FFmpeg's own filters on the same pictures.

The peer is what an engineer would type: `blackdetect`, `freezedetect`, `blurdetect` and `signalstats`, through the
libavfilter that PyAV carries, one thread. Bare decoding is the floor under everything that decodes every picture. The
X-ray's networks are measured apart. The film is one real take, scaled to each size and coded as a phone does.
"""

import os
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import av.filter
import cv2

from benchmarks.comparison import Cost, Work, cost_of, median, table
from capture_validation.analysis import analyse
from capture_validation.decode import open_recording
from capture_validation.profile import Profile, profile
from capture_validation.report import Tier
from capture_validation.xray.looking import Looking
from capture_validation.xray.models import models

MEDIA = Path(os.environ.get("COMPANION_TEST_MEDIA", "../shared")) / "media"
TAKE = "video_station_60fps_15s.mp4"
PEER = ("blackdetect", "freezedetect", "blurdetect", "signalstats")
#: Width, height and bit/s, as phones record them.
SIZES = ((854, 480, 3_000_000), (1920, 1080, 16_000_000), (3840, 2160, 45_000_000))
SECONDS, RATE, ROUNDS = 10, 30, 3


def main() -> None:
    """Measure at three sizes and print cost per second of film."""
    if not (MEDIA / TAKE).is_file():
        print(f"\nVideo: skipped, there is no {MEDIA / TAKE} (COMPANION_TEST_MEDIA)")
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for size in SIZES for row in compared(film(Path(folder), *size), f"{size[1]}p")]
    head = ["H.264, 30 fps, 10 s", "CPU ms per s", "memory MB", "peer / this", "this / decoding"]
    print(table(f"One pass: capture_validation against FFmpeg {'+'.join(PEER)}", head, rows))


def compared(file: Path, size: str) -> Iterator[list[str]]:
    """A row for each way to look at a film, all of them taking turns."""
    ways: dict[str, Work] = {
        "FFmpeg filters": partial(filtered, file),
        "decoding": partial(decoded, file),
        "full tier": partial(examined, file, "full"),
        "instant tier": partial(examined, file, "instant"),
        "X-ray alone": partial(looked, file),
    }
    runs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, work in ways.items():
            runs[name].append(cost_of(work, models))
    costs = {name: median(found) for name, found in runs.items()}
    peer, floor = costs["FFmpeg filters"].cpu_s, costs["decoding"].cpu_s
    for name, cost in costs.items():
        yield [
            f"{size:>5}  {name}", f"{cost.cpu_s * 1000 / SECONDS:.0f}", f"{cost.memory_mb:.0f}",
            f"{peer / cost.cpu_s:.1f}", f"{cost.cpu_s / floor:.2f}",
        ]  # fmt: skip


def film(folder: Path, width: int, height: int, bit_rate: int) -> Path:
    """Write ten seconds of the take at another size."""
    path = folder / f"{height}.mp4"
    with av.open(MEDIA / TAKE) as take, av.open(path, "w") as out:
        stream: Any = out.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", bit_rate
        stream.codec_context.options = {"preset": "veryfast", "g": "30"}
        for number, picture in enumerate(take.decode(video=0)):
            if number == SECONDS * RATE:
                break
            frame = picture.reformat(width, height, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def pictures(file: Path) -> Iterator[av.VideoFrame]:
    """Every picture, decoded by one thread, as this library decodes."""
    with av.open(file) as media:
        context = media.streams.video[0].codec_context
        context.thread_type, context.thread_count = "NONE", 1
        yield from media.decode(video=0)


def decoded(file: Path) -> None:
    """Decode and look at nothing."""
    for _ in pictures(file):
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


def examined(file: Path, tier: Tier) -> None:
    """Every picture check of the video profile."""
    cv2.setNumThreads(1)
    rules = profile("video")
    seen = {name: rule for name, rule in rules.rules.items() if name.startswith("video.")}
    with file.open("rb") as opened:
        analyse(opened, Profile(rules.name, rules.version, rules.media, seen), tier=tier)


def looked(file: Path) -> None:
    """The X-ray with its own decoding; subtract that to get the networks."""
    cv2.setNumThreads(1)
    with file.open("rb") as opened, open_recording(opened) as recording:
        looking = Looking(opened, models())
        looking.start(recording)
        for part in recording.read():
            looking.feed(part)
        looking.finish()


if __name__ == "__main__":
    main()
