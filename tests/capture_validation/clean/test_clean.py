"""What leaves carries nothing of what was to be hidden, and everything else of what was recorded."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import av
import cv2
import numpy as np
import pytest

from capture_validation.clean import Choices
from capture_validation.clean.clean import Cleaned, clean, is_looked_at
from capture_validation.clean.left_over import LeftOver
from capture_validation.clean.rendition import looked, render
from capture_validation.decode import AudioBlock, VideoFrame, open_recording
from capture_validation.errors import ChoicesInvalid, Unreadable
from capture_validation.report import Span
from capture_validation.xray.findings import Sighting, Verdict, Xray
from capture_validation.xray.looking import Looking
from capture_validation.xray.models import Models, models
from tests.capture_validation.made import lying, sound, tone
from tests.media import all_media, media

SHOWN = Choices(faces="keep", seen_agreed=True)


def cleaned(source: object, choices: Choices) -> tuple[Cleaned, IO[bytes]]:
    """A rendition made in the sandbox, and its bytes."""
    with tempfile.TemporaryFile() as into:
        done = clean(source, into, choices)  # type: ignore[arg-type]
        into.seek(0)
        return done, io.BytesIO(into.read())


def beginning(path: Path, seconds: float) -> IO[bytes]:
    """The first seconds of the pictures of a recording, as they are stored."""
    file = io.BytesIO()
    with av.open(path) as whole, av.open(file, "w", format="mp4") as out:
        pictures = whole.streams.video[0]
        copy = out.add_stream_from_template(pictures)
        for packet in whole.demux(pictures):
            if packet.pts is not None and packet.pts * packet.time_base < seconds:
                packet.stream = copy
                out.mux(packet)
    return file


def parts(file: IO[bytes]) -> Iterator[AudioBlock | VideoFrame]:
    file.seek(0)
    with open_recording(file) as recording:  # type: ignore[arg-type]
        yield from recording.read()


def heard(file: IO[bytes]) -> np.ndarray:
    return np.concatenate([part.samples for part in parts(file) if isinstance(part, AudioBlock)])


@pytest.fixture(scope="module")
def street() -> tuple[Cleaned, IO[bytes]]:
    """Four seconds of people in a street."""
    return cleaned(media("video_courtyard_people_15fps.mp4"), Choices())


def test_no_frame_shows_a_face_that_could_be_found(street: tuple[Cleaned, IO[bytes]]):
    """Every single frame is looked at, also those between the looks that the rendition was made from."""
    finder = models().faces
    assert finder is not None
    with media("video_courtyard_people_15fps.mp4").open("rb") as before:
        shown = sum(len(finder.find(part.rgb(640))) for part in parts(before) if isinstance(part, VideoFrame))

    left = sum(len(finder.find(part.rgb(640))) for part in parts(street[1]) if isinstance(part, VideoFrame))

    assert shown > 5
    assert 0 == left


def test_what_was_not_to_be_hidden_looks_as_before(street: tuple[Cleaned, IO[bytes]]):
    """Half of the points of every frame differ by at most three levels of 255."""
    with media("video_courtyard_people_15fps.mp4").open("rb") as before:
        pairs = zip(pictures(before), pictures(street[1]), strict=True)
        assert all(np.median(np.abs(old - new)) <= 3 for old, new in pairs)


def pictures(file: IO[bytes]) -> Iterator[np.ndarray]:
    return (part.luma(640).astype(int) for part in parts(file) if isinstance(part, VideoFrame))


def test_the_list_of_edits_is_complete(street: tuple[Cleaned, IO[bytes]]):
    """What was changed, with the fields that are gone and the stretches that were blurred."""
    edits = {(edit.what, edit.how): edit for edit in street[0].edits}

    assert {
        ("metadata", "removed"), ("faces", "blurred"), ("pictures", "encoded"), ("sound", "encoded"),
    } == edits.keys()  # fmt: skip
    assert edits["faces", "blurred"].spans
    assert edits["metadata", "removed"].details


@pytest.mark.parametrize("name", [name for name in all_media() if "gps" in name or "dolby" in name])
def test_a_phone_s_recording_tells_nothing_any_more_and_stands_upright(name: str):
    """Position, device, motion tracks and times are gone; the rotation is in the picture itself."""
    done, file = cleaned(media(name), SHOWN)

    assert () == done.xray.traces
    assert done.report.media is not None
    with media(name).open("rb") as original, open_recording(original) as before:
        shape = None if before.video is None else (before.video.width // 2 * 2, before.video.height // 2 * 2)
    video = done.report.media.video
    assert shape == (None if video is None else (video.width, video.height))
    assert video is None or 0 == video.rotation_deg
    assert b"ncoder" not in (file.seek(0), file.read())[1]


def test_a_recording_of_sound_keeps_every_sample():
    """FLAC: nothing is lost but the metadata."""
    path = media("speech_jfk_16k.wav")
    done, file = cleaned(path, Choices())

    with path.open("rb") as original:
        before = heard(original)

    assert "audio/flac" == done.media_type
    assert np.array_equal(before, heard(file))


def test_muted_stretches_are_silent_and_dropped_ones_are_gone():
    """To the sample; what is around them is what it was."""
    data = sound("wav", "pcm_s16le", tone(4.0))
    _, file = cleaned(io.BytesIO(data), Choices(mute=(Span(1.0, 1.5),), drop=(Span(2.0, 3.0),)))
    before, after = heard(io.BytesIO(data)), heard(file)

    assert 3 * 16_000 == len(after)
    assert not after[16_000:24_000].any()
    assert np.array_equal(before[: int(0.99 * 16_000)], after[: int(0.99 * 16_000)])
    assert np.array_equal(before[3 * 16_000 :], after[2 * 16_000 :])


def flash_and_beep() -> bytes:
    """Three seconds in which the picture turns white and a tone begins at second 2."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        video, audio = out.add_stream("libx264", rate=25), out.add_stream("aac", rate=48_000)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        audio.codec_context.layout = "mono"
        for number in range(75):
            picture = np.full((240, 320, 3), 255 if number >= 50 else 20, np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
        samples = 0.5 * np.sin(np.arange(3 * 48_000) * 0.1).astype(np.float32)
        samples[: 2 * 48_000] = 0
        frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
        frame.sample_rate = 48_000
        out.mux(audio.encode(frame))
        for stream in (video, audio):
            out.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("profile", ["h264", "av1"])
def test_sound_and_picture_stay_together_when_a_stretch_is_dropped(profile: str):
    """Half a second out of the first two: flash and tone both come at 1.5 s, within a frame."""
    done, file = cleaned(io.BytesIO(flash_and_beep()), Choices(drop=(Span(0.5, 1.0),), profile=profile))  # type: ignore[arg-type]

    flash = next(part.at_s for part in parts(file) if isinstance(part, VideoFrame) and part.luma(64).mean() > 128)
    blocks = [part for part in parts(file) if isinstance(part, AudioBlock)]
    loud = np.flatnonzero(np.abs(heard(file)) > 0.2)[0] / blocks[0].sample_rate + blocks[0].at_s

    assert 0.5 == done.removed_s
    assert abs(flash - 1.5) < 0.045
    assert abs(loud - 1.5) < 0.045


def interrupted() -> bytes:
    """Three seconds of picture, and a tone that is left out from 0.4 to 0.9 s, as while somebody calls."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        video, audio = out.add_stream("libx264", rate=25), out.add_stream("pcm_s16le", rate=16_000)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio.codec_context.layout = "mono"
        for _ in range(75):
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 120, np.uint8))))
        for begins_s, ends_s in ((0.0, 0.4), (0.9, 3.0)):
            frame = av.AudioFrame.from_ndarray(tone(ends_s - begins_s)[None], "s16", "mono")
            frame.sample_rate, frame.pts = 16_000, round(begins_s * 16_000)
            out.mux(audio.encode(frame))
        for stream in (video, audio):
            out.mux(stream.encode(None))
    return file.getvalue()


def test_sound_behind_a_gap_is_muted_where_it_is_heard():
    """Within a block it was taken to come half a second sooner: what was to be silent was heard."""
    made = io.BytesIO()
    choices = Choices(faces="keep", seen_agreed=True, mute=(Span(1.2, 1.5),))

    render(io.BytesIO(interrupted()), made, choices, Models(None, None), LeftOver(), lambda _: None)

    with av.open(io.BytesIO(made.getvalue())) as copy:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in copy.decode(audio=0)])
    loud = [float(np.abs(samples[round(at * 16_000) :][:800]).max()) > 0.2 for at in np.arange(0.05, 2.9, 0.1)]
    silent = [round(0.05 + 0.1 * number, 2) for number, is_loud in enumerate(loud) if not is_loud]
    assert [0.45, 0.55, 0.65, 0.75, 0.85, 1.25, 1.35, 1.45] == silent


def test_what_is_to_be_hidden_and_cannot_be_found_is_not_given_out():
    """Without a network nobody can say that no face is left."""
    with media("video_face_h264.mp4").open("rb") as file, pytest.raises(Unreadable) as refused:
        render(file, io.BytesIO(), Choices(), Models(None, None), LeftOver(), lambda _: None)

    assert "not-checked" == refused.value.code


def test_a_rendition_of_nothing_is_refused():
    with pytest.raises(Unreadable) as refused:
        cleaned(media("speech_jfk_16k.wav"), Choices(drop=(Span(0.0, 60.0),)))

    assert "nothing-left" == refused.value.code


def test_a_file_that_is_no_recording_is_refused_and_shown_faces_need_a_word():
    with pytest.raises(Unreadable):
        cleaned(io.BytesIO(b"no recording"), Choices())
    with pytest.raises(ChoicesInvalid):
        cleaned(media("speech_jfk_16k.wav"), Choices(faces="keep"))


class Onlooker:
    """A network that finds nothing and remembers how bright it was."""

    name = "onlooker"

    def __init__(self) -> None:
        self.seen: list[float] = []

    def believing(self) -> "Onlooker":
        return self

    def find(self, picture: np.ndarray) -> np.ndarray:
        self.seen.append(float(picture.mean()))
        return np.zeros((0, 5))


def test_an_hdr_take_is_looked_at_in_the_same_light_by_the_x_ray_and_for_the_copy():
    """Networks learned from ordinary light; the numbers of HDR look like a scene in fog to them."""
    by_x_ray, for_the_copy = Onlooker(), Onlooker()
    with media("video_roof_iphone_dolbyvision.mov").open("rb") as file, open_recording(file) as recording:
        looking = Looking(file, Models(by_x_ray, None), every_s=0.2)
        looking.start(recording)
        for part in recording.read():
            looking.feed(part)
    with media("video_roof_iphone_dolbyvision.mov").open("rb") as file:
        looked(file, Choices(), Models(for_the_copy, None), lambda _: None)

    assert by_x_ray.seen
    assert set(by_x_ray.seen) <= set(for_the_copy.seen)


def test_text_is_hidden_so_that_none_is_found():
    """The keyboard of a phone's recording has letters on its keys."""
    done, _ = cleaned(media("video_keyboard_android_hevc_gps.mp4"), Choices(faces="keep", seen_agreed=True, text="box"))
    text = done.xray.sighting("text")

    assert text is not None
    assert "nothing_found" == text.verdict
    assert {("text", "boxed")} <= {(edit.what, edit.how) for edit in done.edits}


def test_letters_all_over_a_moving_pattern_are_hidden_too():
    """Blurred and filled, the network still sees some: then whole pictures go, and the list of edits says which."""
    second = beginning(media("video_pattern_logo.mp4"), 1.0)
    done, _ = cleaned(second, Choices(faces="keep", seen_agreed=True, text="blur"))
    text = done.xray.sighting("text")
    blank = [edit for edit in done.edits if (edit.what, edit.how) == ("pictures", "boxed")]

    assert text is not None
    assert "nothing_found" == text.verdict
    assert all(edit.spans for edit in blank)


def test_a_copy_of_red_green_and_blue_says_how_they_were_mixed():
    """Screen recorders store them as they are; a copy that says so of its mixture is shown in pink and green."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264rgb", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "rgb24"
        for _ in range(10):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), (200, 40, 90), np.uint8))))
        out.mux(stream.encode(None))
    made = io.BytesIO()

    render(file, made, SHOWN, Models(None, None), LeftOver(), lambda _: None)

    with av.open(io.BytesIO(made.getvalue())) as copy:
        picture = next(copy.decode(video=0))
    bright, blue, red = (float(np.frombuffer(plane, np.uint8)[0]) for plane in picture.planes)
    # ITU-R BT.601-7, 2.5.1, full range.
    shown = bright + 1.402 * (red - 128), bright + 1.772 * (blue - 128)
    assert (6, 2) == (picture.colorspace, picture.color_range)
    assert (200, 90) == pytest.approx(shown, abs=4)


def test_a_mirrored_recording_s_copy_is_as_a_player_shows_it():
    made = io.BytesIO()

    done = render(io.BytesIO(lying((-1, 0, 0, 1))), made, SHOWN, Models(None, None), LeftOver(), lambda _: None)

    assert ("pictures", "mirrored") in {(edit.what, edit.how) for edit in done.edits}
    assert "turned" not in {edit.how for edit in done.edits}
    with av.open(io.BytesIO(made.getvalue())) as copy:
        bright = next(copy.decode(video=0)).to_ndarray(format="gray")
    assert bright[12, 48] < 64
    assert bright[12, 16] > 192


def test_brightness_survives_whatever_range_it_is_stored_in():
    """A rendition of a full-range picture is neither washed out nor cut."""
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as out:
        stream = out.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        ramp = np.repeat(cv2.resize(np.arange(256, dtype=np.uint8)[None], (64, 64))[:, :, None], 3, axis=2)
        for _ in range(40):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(ramp))))
        out.mux(stream.encode(None))

    _, made = cleaned(file, SHOWN)

    before, after = next(pictures(file)), next(pictures(made))
    assert np.abs(before - after).mean() < 4


@pytest.mark.parametrize(("verdict", "enough"), [("nothing_found", True), ("found", True), ("not_checked", False)])
def test_a_copy_that_nobody_looked_at_is_not_called_clean(verdict: Verdict, enough: bool):
    assert enough is is_looked_at(Xray((), (Sighting("faces", verdict, "mtcnn"),)), "faces")
    assert is_looked_at(Xray((), ()), "faces") is False
