"""The stills of a video: few, small, where the findings are, and drawn without any decoder."""

import io

import msgspec
import numpy as np
import pytest
from PIL import Image

from capture_validation.analysis import analyse
from capture_validation.contact_sheet import fits, opened, shown
from capture_validation.picture import draw
from capture_validation.profile import profile
from capture_validation.report import CheckResult, Curve, MediaFacts, Rejection, Report, Span, Still
from capture_validation.sandbox import RESULT_LIMIT
from capture_validation.stills import CANDIDATES, MOST, MOST_OF_FINDINGS, MOST_PIXELS, Stills
from capture_validation.validate import validate
from tests.media import media


class Painted:
    """A frame of one colour that can be asked for its colours only."""

    def __init__(
        self, at_s: float, size: tuple[int, int] = (160, 90), colour: tuple[int, int, int] = (9, 9, 9)
    ) -> None:
        self.at_s = at_s
        self.width, self.height = size
        self.colour = colour

    def rgb(self, long_side: int) -> np.ndarray:
        scale = min(1.0, long_side / max(self.width, self.height))
        size = max(1, round(self.height * scale)), max(1, round(self.width * scale)), 3
        return np.broadcast_to(np.array(self.colour, np.uint8), size).copy()


def collected(duration_s: float, *checks: CheckResult, fps: float = 10.0, **painted: object) -> tuple[Still, ...]:
    stills = Stills()
    for number in range(round(duration_s * fps)):
        stills.take(Painted(number / fps, **painted))  # type: ignore[arg-type]
        assert len(stills._kept) <= CANDIDATES
    return stills.chosen(checks)


def finding(name: str, *spans: tuple[float, float]) -> CheckResult:
    return CheckResult(
        name, 1, "failed", "required", "too-high", "%", 3.0, spans=tuple(Span(start, end) for start, end in spans)
    )


@pytest.mark.parametrize(("duration_s", "count"), [(0.1, 1), (2.0, 4), (60.0, MOST), (600.0, MOST)])
def test_a_video_of_any_length_gives_at_most_twelve_in_the_order_of_time(duration_s, count):
    times = [still.at_s for still in collected(duration_s)]

    assert count == len(times)
    assert sorted(set(times)) == times
    if count == MOST:
        assert max(np.diff(times)) < duration_s / 4


@pytest.mark.parametrize("size", [(160, 90), (90, 160), (4096, 2304), (1000, 1000), (1, 1), (3000, 2), (7, 5)])
def test_a_still_is_small_whatever_the_video_and_has_the_bytes_of_its_size(size):
    for still in collected(30.0, fps=2.0, size=size):
        assert still.width * still.height <= MOST_PIXELS
        assert fits(still)


def test_a_finding_gets_the_still_nearest_to_its_middle():
    stills = collected(10.0, finding("video.black", (4.0, 7.0)))
    assert [5.5] == [still.at_s for still in stills if still.shows == "video.black"]


def test_a_finding_shorter_than_the_grid_gets_the_still_beside_it():
    stills = collected(10.0, finding("video.scene_cuts", (4.3, 4.3)))
    assert [4.5] == [still.at_s for still in stills if still.shows]


def test_two_findings_at_one_place_do_not_share_a_still_and_many_leave_room_for_the_rest():
    stills = collected(20.0, *[finding(f"video.{number}", (4.0, 19.0)) for number in range(20)])

    named = [still.shows for still in stills if still.shows]
    assert MOST_OF_FINDINGS == len(named) == len(set(named))
    assert MOST == len(stills)


def test_a_finding_where_nothing_was_kept_gets_no_still():
    assert not [still for still in collected(5.0, finding("video.black", (50.0, 70.0))) if still.shows]


def test_colours_come_through():
    for colour in ((200, 30, 40), (20, 180, 60), (250, 250, 250)):
        still = collected(0.1, colour=colour, size=(7, 5))[0]
        np.testing.assert_allclose(np.asarray(opened(still))[2, 3], colour, atol=3)


def test_a_real_video_is_answered_through_the_sandbox_with_stills_that_fit():
    report = validate(media("video_courtyard_people.mp4"), "video")

    assert MOST == len(report.stills)
    assert len(msgspec.json.encode(report)) < RESULT_LIMIT / 2
    assert report == msgspec.convert(msgspec.to_builtins(report), Report)
    # A long scene of people and façades is colourful; grey stills would mean that the planes are mixed up.
    assert np.asarray(opened(report.stills[8])).std(axis=2).mean() > 5


def test_a_still_is_turned_upright():
    with media("video_keys_rot90.mov").open("rb") as file:
        still = analyse(file, profile("video")).stills[0]
    assert still.height > still.width


def test_a_refused_file_and_a_sound_have_none():
    assert () == profile("video").rejected(Rejection("truncated")).stills
    with media("speech_jfk_16k.wav").open("rb") as file:
        assert () == analyse(file, profile("speech")).stills


@pytest.mark.parametrize(
    "still",
    [
        Still(0.0, 160, 90, b"too few"),
        Still(0.0, 0, 0, b""),
        Still(0.0, 30_000, 30_000, b""),
        Still(0.0, 161, 1, bytes(161 + 2 * 81)),
        Still(0.0, -4, -4, bytes(24)),
    ],
)
def test_a_still_that_does_not_fit_is_left_out_of_the_picture(still):
    report = Report("0", "video", 1, MediaFacts("mp4", "video/mp4", 1, 1.0), None, (), stills=(still,))

    assert [] == shown(report)
    assert Image.open(io.BytesIO(draw(report))).height < 300


@pytest.mark.parametrize("dark", [False, True])
def test_the_picture_shows_every_still_from_margin_to_margin(dark):
    stills = collected(3.0, colour=(255, 0, 0))
    plain = Report("0", "video", 1, MediaFacts("mp4", "video/mp4", 1, 3.0), None, (), stills=stills)
    picture = np.asarray(Image.open(io.BytesIO(draw(plain, dark=dark))))

    red = (picture[..., 0] > 240) & (picture[..., 1:].max(axis=2) < 20)
    # Six stills, four a row, each 85 points wide at two pixels a point.
    assert red.sum() > 6 * 150 * 85
    assert red.any(axis=0)[740]


def test_the_still_of_a_finding_is_framed_in_its_colour():
    """The same picture with and without the finding's name on its still differs just around that still."""
    found = finding("video.black", (1.0, 2.0))
    curve = Curve("brightness", "%", 0.25, (50.0,) * 12)
    named = collected(3.0, found)
    plain = tuple(msgspec.structs.replace(still, shows="") for still in named)
    pictures = []
    for stills in (named, plain):
        facts = MediaFacts("mp4", "video/mp4", 1, 3.0)
        report = Report("0", "video", 1, facts, None, (found,), (curve,), stills=stills)
        pictures.append(np.asarray(Image.open(io.BytesIO(draw(report)))).astype(int))

    rows, columns = np.nonzero(np.abs(pictures[0] - pictures[1]).sum(axis=2))

    # The still at 1.5 s is the last one of its row: left of it lie three others.
    assert [1.5] == [still.at_s for still in named if still.shows]
    assert columns.min() > 550
    assert columns.max() < 760
    assert np.ptp(rows) < 110
