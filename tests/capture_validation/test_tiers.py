"""The instant tier: some pictures and every time stamp, the same checks, and no verdict that it cannot give."""

import io
from typing import Any

import av
import numpy as np
import pytest

from capture_validation import checks
from capture_validation.analysis import analyse
from capture_validation.check import VideoCheck
from capture_validation.decode import VideoFrame, open_recording
from capture_validation.profile import profile
from capture_validation.report import Report, Tier
from capture_validation.texts import LOCALES, told
from tests.capture_validation.made import video
from tests.media import media


def report(name: str, tier: Tier) -> Report:
    with media(name).open("rb") as file:
        return analyse(file, profile("video"), tier=tier)


@pytest.mark.parametrize(
    "name",
    [
        "video_station_5s.mp4", "video_elf_480.webm", "video_fire_android_rot180_gps.mp4", "video_bear_vp9.webm",
        "video_tree_fixed.avi", "video_screen_recording_vfr.mp4",
    ],
)  # fmt: skip
def test_what_only_needs_times_is_the_same_in_both_tiers(name: str):
    """Frame rate, gaps and length come from the packets, whether or not their pictures are decoded."""
    full, instant = report(name, "full"), report(name, "instant")
    by_name = {check.name: check for check in instant.checks}

    assert ("full", "instant") == (full.tier, instant.tier)
    assert full.media is not None
    assert instant.media is not None
    assert instant.media.duration_s == pytest.approx(full.media.duration_s, abs=0.1)
    for check in full.checks:
        known = checks.published()[check.name]
        if issubclass(known, VideoCheck) and known.times_only and check.value is not None:
            assert by_name[check.name].value == pytest.approx(check.value, rel=0.02, abs=0.5), check.name


def test_a_check_that_needs_every_picture_says_so_in_every_language():
    needy = [check for check in report("video_station_5s.mp4", "instant").checks if check.code == "needs-full-tier"]

    assert {"video.flicker", "video.repeated_frames", "video.decodable"} <= {check.name for check in needy}
    assert {"not_applicable"} == {check.status for check in needy}
    sentences = {told(needy[0], locale).sentence for locale in LOCALES}
    assert len(LOCALES) == len(sentences)


def test_few_pictures_are_decoded():
    """One of each group; every picture's time is known all the same."""
    with media("video_station_60fps_15s.mp4").open("rb") as file, open_recording(file, tier="instant") as recording:
        decoded = sum(isinstance(part, VideoFrame) for part in recording.read())

        assert decoded < len(recording.picture_times) / 10
        assert recording.video_end.frames == len(recording.picture_times)


@pytest.mark.parametrize(("container", "codec"), [("mp4", "mpeg4"), ("webm", "libvpx")])
def test_the_times_of_all_pictures_are_known_in_every_container(container: str, codec: str):
    with open_recording(io.BytesIO(video(container, codec)), tier="instant") as recording:
        shown = [part.at_s for part in recording.read() if isinstance(part, VideoFrame)]

        assert 30 == len(recording.picture_times)
    assert 1 <= len(shown) <= 10


def test_three_pictures_are_too_few_to_tell_how_a_recording_looks():
    """A film that fades in from black, whose encoder began a group only every second, is not too dark."""
    for groups, status in ((3, "not_applicable"), (4, "failed")):
        file = io.BytesIO(dark(pictures=10 * groups))
        verdicts = {check.name: check for check in analyse(file, profile("video"), tier="instant").checks}

        assert status == verdicts["video.too_dark"].status
        assert "passed" == verdicts["video.size_changes"].status


def test_what_was_trimmed_off_is_not_counted():
    """A phone that trims a film keeps the pictures from the key frame on, and says from which one to show."""
    kept = io.BytesIO()
    with av.open(io.BytesIO(dark(pictures=30))) as whole, av.open(kept, "w", format="mp4") as out:
        track = whole.streams.video[0]
        stream = out.add_stream_from_template(track)
        for packet in whole.demux(track):
            if packet.pts is not None and packet.dts is not None and packet.time_base is not None:
                back = round(0.5 / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - back, packet.dts - back, stream
                out.mux(packet)

    ends = []
    for tier in ("full", "instant"):
        with open_recording(kept, tier=tier) as recording:
            assert list(recording.read())
            ends.append((recording.video_end.frames, recording.video_end.first_at_s))

    assert [(25, 0.0), (25, 0.0)] == ends


def dark(pictures: int) -> bytes:
    """A black recording with ten pictures a second and in a group."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream: Any = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 10
        for _ in range(pictures):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        out.mux(stream.encode(None))
    return file.getvalue()
