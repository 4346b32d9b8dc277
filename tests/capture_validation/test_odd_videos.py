"""Odd and hostile files: a right report or a clear refusal, from every tier, the X-ray and the cleaning alike."""

import io
import tempfile
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from capture_validation.clean import Choices
from capture_validation.clean.clean import Cleaned, clean
from capture_validation.errors import NotClean, Unreadable
from capture_validation.report import Tier
from capture_validation.validate import validate
from capture_validation.xray.xray import xray
from tests.media import all_hostile, hostile

TIERS: tuple[Tier, ...] = ("full", "instant")


def film(
    size: tuple[int, int] = (128, 96),
    pictures: int = 60,
    rate: int = 30,
    *,
    tracks: int = 1,
    sound_s: float = 0.0,
    from_tick: int = 0,
    container: str = "mp4",
) -> bytes:
    """A film of noise that moves, `size` is width and height; with `sound_s` seconds of a tone."""
    file = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    with av.open(file, "w", format="matroska" if from_tick else container) as out:
        streams: list[Any] = [out.add_stream("libx264", rate=rate) for _ in range(tracks)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.codec_context.options = {"preset": "ultrafast"}
        audio: Any = out.add_stream("aac", rate=16_000) if sound_s else None
        if audio:
            audio.codec_context.layout = "mono"
        for number in range(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(noise, number, axis=1)))
            frame.pts, frame.time_base = from_tick + number, Fraction(1, rate)
            for stream in streams:
                out.mux(stream.encode(frame))
        if audio:
            tone = av.AudioFrame.from_ndarray(
                (0.3 * np.sin(np.arange(int(16_000 * sound_s)) * 0.2)).astype(np.float32)[None], "fltp", "mono"
            )
            tone.sample_rate = 16_000
            out.mux(audio.encode(tone))
            out.mux(audio.encode(None))
        for stream in streams:
            out.mux(stream.encode(None))
    return file.getvalue()


def cleaned(data: bytes) -> Cleaned:
    with tempfile.TemporaryFile() as into:
        return clean(io.BytesIO(data), into, Choices(faces="keep", seen_agreed=True))


ODD = {
    "one picture": film(pictures=1),
    "two by two pixels": film((2, 2)),
    "240 a second": film(pictures=240, rate=240),
    "two picture tracks": film(tracks=2),
    "sound longer than picture": film(sound_s=4.0),
    "late first picture": film(from_tick=300),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_film_gets_a_report_in_both_tiers_an_x_ray_and_a_copy(name: str):
    """No crash, no refusal, and the same length whatever looks at it."""
    data = ODD[name]
    reports = [validate(io.BytesIO(data), "video", tier=tier) for tier in TIERS]

    assert [None, None] == [report.rejection for report in reports]
    full, instant = (report.media.duration_s for report in reports if report.media)
    assert instant == pytest.approx(full, abs=0.05)
    assert "faces" in {sighting.kind for sighting in xray(io.BytesIO(data)).sightings}
    assert cleaned(data).seconds == pytest.approx(full, abs=0.6) or name == "late first picture"


def written(container: str, encoder: str, sizes: list[tuple[int, int]], times: list[int]) -> bytes:
    """A film at thirty ticks a second whose pictures are coded in several sizes, an equal share of the times each."""
    file, each = io.BytesIO(), len(times) // len(sizes)
    with av.open(file, "w", format=container) as out:
        stream: Any = out.add_stream(encoder, rate=30)
        stream.width, stream.height, stream.pix_fmt = *sizes[0], "yuv420p" if encoder == "libvpx" else "yuvj444p"
        for number, size in enumerate(sizes):
            context: Any = av.CodecContext.create(encoder, "w")
            context.width, context.height, context.pix_fmt = *size, stream.pix_fmt
            context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
            moments = iter(times[each * number :])
            for shown in [*range(each), None]:
                picture = None if shown is None else np.full((size[1], size[0], 3), 2 * shown, np.uint8)
                for packet in context.encode(picture if picture is None else av.VideoFrame.from_ndarray(picture)):
                    packet.pts = packet.dts = next(moments)
                    packet.stream, packet.time_base = stream, Fraction(1, 30)
                    out.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize("tier", TIERS)
def test_a_phone_turned_half_way_is_told(tier: Tier):
    data = written("webm", "libvpx", [(128, 96), (96, 128)], list(range(120)))
    report = validate(io.BytesIO(data), "video", tier=tier)

    assert 1 == next(check.value for check in report.checks if check.name == "video.size_changes")


@pytest.mark.parametrize("tier", TIERS)
def test_a_clock_that_begins_below_nothing_changes_no_length(tier: Tier):
    report = validate(io.BytesIO(written("matroska", "libvpx", [(128, 96)], list(range(-30, 90)))), "video", tier=tier)

    assert report.media is not None
    assert 4 == pytest.approx(report.media.duration_s, abs=0.05)


@pytest.mark.parametrize("tier", TIERS)
def test_a_clock_that_wraps_is_refused_for_the_length_it_claims(tier: Tier):
    """A day between two pictures is no recording of a phone."""
    times = [*range(60), *range(3_000_000, 3_000_060)]
    report = validate(io.BytesIO(written("matroska", "libvpx", [(128, 96)], times)), "video", tier=tier)

    assert report.rejection is not None
    assert ("over-limit", "duration_s") == (report.rejection.code, report.rejection.parameters["what"])


@pytest.mark.parametrize("tier", TIERS)
def test_a_film_of_single_pixels_is_read_and_not_called_good(tier: Tier):
    report = validate(io.BytesIO(written("avi", "mjpeg", [(1, 1)], list(range(120)))), "video", tier=tier)

    assert report.rejection is None
    assert "passed" != next(check.status for check in report.checks if check.name == "video.resolution")


@pytest.mark.parametrize("tier", TIERS)
def test_a_film_without_a_picture_is_refused(tier: Tier):
    """Its header promises a track, and nothing follows."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream: Any = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        out.start_encoding()

    report = validate(file, "video", tier=tier)

    assert report.rejection is not None
    assert "no-tracks" == report.rejection.code


def test_the_largest_picture_is_read_and_a_larger_one_refused():
    """4096 × 2304 is what the largest phone records."""
    report = validate(io.BytesIO(film((4096, 2304), pictures=3)), "video")
    beyond = validate(io.BytesIO(film((4112, 2304), pictures=1)), "video")

    assert report.rejection is None
    assert report.media is not None
    assert report.media.video is not None
    assert (4096, 2304) == (report.media.video.width, report.media.video.height)
    assert beyond.rejection is not None
    assert "over-limit" == beyond.rejection.code


def test_one_picture_is_not_called_good():
    """A film of one picture is too short, in either tier."""
    for tier in TIERS:
        report = validate(io.BytesIO(ODD["one picture"]), "video", tier=tier)
        assert "passed" != next(check.status for check in report.checks if check.name == "video.duration")


@pytest.mark.parametrize("tier", TIERS)
def test_a_film_whose_sound_nobody_decodes_is_refused_with_its_codec(tier: Tier):
    """Old telephones wrote EVRC; such a film ended the examination with an error of ours."""
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as out:
        stream: Any = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        spoken: Any = out.add_stream("adpcm_yamaha", rate=16_000, layout="mono")
        for _ in range(30):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), "s16", "mono")
        tone.sample_rate = 16_000
        for one in (spoken.encode(tone), spoken.encode(None), stream.encode(None)):
            out.mux(one)

    rejection = validate(file, "video", tier=tier).rejection

    assert rejection is not None
    assert ("codec-unsupported", {"codec": "adpcm_yamaha"}) == (rejection.code, rejection.parameters)


def test_sound_that_goes_on_without_a_picture_is_found():
    report = validate(io.BytesIO(ODD["sound longer than picture"]), "video")

    assert "passed" != next(check.status for check in report.checks if check.name == "video.sound_length")


@pytest.mark.parametrize(("sound_s", "shorter"), [(0.5, "audio.decodable"), (9.0, "video.decodable")])
def test_a_track_that_ends_before_the_other_is_not_cut_off(sound_s: float, shorter: str):
    """Matroska claims one length for both: a browser's film without its last sound was called cut off."""
    report = validate(io.BytesIO(film(pictures=150, sound_s=sound_s, container="matroska")), "video")
    verdicts = {check.name: check.status for check in report.checks}

    assert "passed" == verdicts[shorter]
    assert "passed" != verdicts["video.sound_length"]


def test_a_film_that_ends_before_it_says_is_cut_off():
    whole = film(pictures=150, sound_s=5.0, container="matroska")
    rejected = {check.name for check in validate(io.BytesIO(whole[: len(whole) // 2]), "video").failed}

    assert "video.decodable" in rejected


@pytest.mark.parametrize("container", ["avi", "matroska"])
@pytest.mark.parametrize("share", [0.5, 0.93])
def test_a_film_whose_end_was_lost_is_cut_off_however_little_is_missing(container: str, share: float):
    """FFmpeg tells of what is left of an AVI as if it had been all, and five lost pictures are lost."""
    whole = film(pictures=90, container=container)
    report = validate(io.BytesIO(whole[: int(len(whole) * share)]), "video")
    check = next(check for check in report.checks if check.name == "video.decodable")

    assert "truncated" == check.code
    assert check.value == pytest.approx(100 * (1 - share), abs=6)


def test_a_cover_that_looks_like_a_picture_track_is_none():
    """The report is about sound, and the X-ray says that there is a cover."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        audio: Any = out.add_stream("aac", rate=16_000)
        audio.codec_context.layout = "mono"
        cover: Any = out.add_stream("mjpeg", rate=1)
        cover.width = cover.height = 64
        cover.pix_fmt = "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        out.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 32_000), np.float32), "fltp", "mono")
        tone.sample_rate = 16_000
        out.mux(audio.encode(tone))
        for stream in (audio, cover):
            out.mux(stream.encode(None))

    seen = xray(io.BytesIO(file.getvalue()))

    assert "cover picture" in {trace.where for trace in seen.traces}
    assert "faces" not in {sighting.kind for sighting in seen.sightings}


@pytest.mark.parametrize("name", all_hostile())
def test_a_hostile_file_is_refused_or_read_by_the_x_ray_and_the_cleaning(name: str):
    """Whatever a stranger sends: counts or a reason, a clean copy or none, and never an error of ours."""
    data = hostile(name)
    try:
        xray(data)
    except Unreadable as refused:
        assert refused.code  # noqa: PT017
    with tempfile.TemporaryFile() as into:
        try:
            done = clean(data, into, Choices(faces="keep", seen_agreed=True))
        except (Unreadable, NotClean):
            return
    assert () == done.xray.traces


def test_a_subtitle_that_stands_on_after_the_film_is_no_missing_end():
    """Matroska claims one length for all tracks: such a film was called cut off in its middle."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream: Any = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        said: Any = out.add_stream("ass")
        said.codec_context.subtitle_header = b"[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Text\n"
        for _ in range(20):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        out.mux(stream.encode(None))
        line = av.Packet(b"0,0,Default,,0,0,0,,Hello")
        line.pts, line.dts, line.duration, line.time_base, line.stream = 0, 0, 9000, Fraction(1, 1000), said
        out.mux(line)

    report = validate(file, "video")

    assert "passed" == next(check.status for check in report.checks if check.name == "video.decodable")
