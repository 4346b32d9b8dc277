"""Interlaced: two moments woven into one picture."""

import cv2

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import Readings


class VideoInterlaced(VideoCheck):
    """How much neighbouring lines differ, over how much every second line does, in the worst quarter.

    In an interlaced picture odd and even lines are a fiftieth of a second apart, so everything that moves gets combed
    edges. Camcorders and old capture cards do that, phones never; it means that the material is older than it looks.

    Result: a ratio. Progressive pictures have .1 … .65, because near lines resemble each other most; interlaced ones
    exceed 1 where something moves. Read at the recording's own resolution: scaling melts the comb.
    """

    name = "video.interlaced"
    title = "Combed lines"
    unit = "×"
    profiles = {"video": at_most(0.85)}
    sentences = {
        "too-high": "Moving edges are combed ({value}, at most {maximum}): the picture is woven from two moments."
    }
    fix = "Record with a phone, or set the camcorder to “progressive” (for example 30p or 25p)."
    false_alarms = "Patterns of single horizontal lines, such as a blind far away."
    source = "Ratio of line differences, the measure under the comb tests of FFmpeg's idet."
    uncertainty = 0.03
    frames_per_second = 1.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, combing(pixels.centre))

    def measure(self) -> Measurement:
        return self.readings.measurement()


def combing(luma: Gray) -> float | None:
    """Mean difference of neighbouring lines over that of every second line, or None for a picture without lines."""
    if len(luma) < 8:
        return None
    near = float(cv2.absdiff(luma[1:], luma[:-1]).mean())
    far = float(cv2.absdiff(luma[2:], luma[:-2]).mean())
    # One level keeps noise on a bare wall, where both are alike, from passing for a comb.
    return near / (far + 1)
