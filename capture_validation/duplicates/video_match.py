"""Matching pictures: shared words propose key frames, geometry finds the place, motion decides."""

from collections import defaultdict
from collections.abc import Callable

import numpy as np
from msgspec import Struct

from capture_validation.duplicates.evidence import Aligned, Match, Transformation, Verdict, covered
from capture_validation.duplicates.geometry import Similarity, mutual, similarity
from capture_validation.duplicates.lists import Find
from capture_validation.duplicates.motion import LEAST_LUCK, Moves, agreement, doubt, shared
from capture_validation.duplicates.stretches import Stretch, in_stretches
from capture_validation.duplicates.video import HZ, VERSION, VideoFingerprint
from capture_validation.duplicates.visual_words import visual_words
from capture_validation.report import Span

#: Correlation of motion from which two recordings are the same; matching points that make a place, and those that are
#: enough where the motion agrees.
THRESHOLD, INLIERS, FEW_INLIERS = 0.46, 8, 6
#: What compression took most motion from still correlates a little, and at one offset alone: so much, and so many times
#: more than elsewhere. Strangers before one camera reach 6.2 times. At its own pace only: among six others two takes of
#: somebody who sits still, one of them cut, agree .43 at one of them, twelve times more than elsewhere.
FAINT, ABOVE_LUCK = 0.25, 7.0
#: People repeat themselves: two lifts of one weight correlate .73, three times more than at other offsets, and somebody
#: who walks up twice .48, six times more. So a correlation counts in full from so many times on, or where it is so near
#: to 1 that nobody repeated it.
CLEAR, EXACT = 8.0, 0.9
#: Or where every other offset stays below this share of it: those of two lifts reach .88, of two attempts in a
#: gymnasium .31, of copies of four seconds, which have few offsets and so much luck, up to .15.
ALONE = 0.2
#: The best of some forty other offsets is by luck alone so many times as large as they are in the mean (root mean
#: square); where somebody repeats themselves it is nearly as large as the best one.
HIGHEST = 3.0
#: A single moment lies somewhere in every recording, and two lie as far apart in one of twenty. So an agreement counts
#: by how many moments it comes from, in full from so many on.
MOMENTS = 3.0
#: Mean change of brightness (levels of 255 per quarter second) below which a place is too still to tell.
STILL = 0.25
#: Fewer quarter seconds agree by luck, whatever their correlation; and at another pace, of which there are six.
FEWEST_MOVES, FEWEST_CHANGED = 7, 12
#: Over fewer than so many a correlation counts by their number: three seconds of the same hand reach .57.
FULL = 20
#: One line that correlates less may fit a single stretch of a film that was cut, and says wrongly where the others lie.
WHOLE = 0.5
#: Stretches were chosen because they agree, so of their correlation nothing counts up to the first of these, and all
#: from the second on: one of two lifts reaches .76, hands that point at figures .68.
CHOSEN, CHOSEN_WELL = 0.6, 0.85
#: They have to last so many quarter seconds together, of which each cut takes some that show both of its sides; and
#: they are looked for in so many places.
FEWEST_CUT, BESIDE_CUT, CUT_PLACES = 16, 2, 2
#: Pairs of key frames tried per recording, transformations judged by motion, and recordings looked at.
PAIRS, JUDGED, MOST = 40, 6, 25
#: A word that more postings than this share says nothing about one recording.
COMMON = 2000

Fetch = Callable[[int], VideoFingerprint]


class KeyPair(Struct, frozen=True):
    """A key frame of the new recording that shares words with one of a held recording."""

    votes: float
    new: int
    held: int
    mirrored: bool


class Seen(Struct, frozen=True):
    """One way in which a held recording may lie in the new one, and how the motions agree in it.

    `stretches`: the stretches that agree, where the new recording is made of several; none where one offset fits it.
    """

    geometry: Similarity
    moves: Moves
    shown: float
    stretches: tuple[Stretch, ...] = ()


def match_video(new: VideoFingerprint, find: Find, fetch: Fetch) -> list[Match]:
    """Every recording that shows what the new one shows, strongest evidence first.

    `find` answers visual words with lists of key frames, by number, `fetch` gives the stored
    fingerprint. What is too short for its motion to be read is `not-enough-content` where it shows the same place. Ask
    `new.enough` before you believe an empty answer.
    """
    found = []
    for recording, pairs in propose_places(new, find).items():
        held = fetch(recording)
        seen = compare(new, held, pairs)
        if seen is not None:
            found.append(_match(recording, new, held, seen))
    return sorted(found, key=lambda match: (match.verdict != "duplicate", -match.strength))


def propose_places(new: VideoFingerprint, find: Find, most: int = MOST) -> dict[int, list[KeyPair]]:
    """Recordings that share most words with the new one, and the pairs of key frames that share them."""
    votes: dict[tuple[int, int, int, bool], float] = defaultdict(float)
    for mirrored in (False, True):
        for number, key in enumerate(new.keys):
            own = np.unique(visual_words(key.features.mirrored if mirrored else key.features.bits))
            answer = find(own).postings(own)
            if not len(answer.asked):
                continue
            common = np.bincount(answer.asked, minlength=len(own))
            useful = common[answer.asked] <= COMMON
            weight = 1 / np.sqrt(common[answer.asked])
            pair = answer.recording[useful] * (1 << 20) + answer.place[useful]
            one, where = np.unique(pair, return_inverse=True)
            for code, vote in zip(one.tolist(), np.bincount(where, weight[useful]).tolist(), strict=True):
                votes[code >> 20, code & ((1 << 20) - 1), number, mirrored] += vote
    return _ranked(votes, most)


def _ranked(votes: dict[tuple[int, int, int, bool], float], most: int) -> dict[int, list[KeyPair]]:
    own: dict[int, list[KeyPair]] = defaultdict(list)
    for (recording, held, number, mirrored), vote in votes.items():
        own[recording].append(KeyPair(vote, number, held, mirrored))
    for pairs in own.values():
        pairs.sort(key=lambda pair: (-pair.votes, pair.new, pair.held))
    strongest = sorted(own, key=lambda recording: (-sum(pair.votes for pair in own[recording][:PAIRS]), recording))
    return {recording: own[recording][:PAIRS] for recording in strongest[:most]}


def compare(new: VideoFingerprint, held: VideoFingerprint, pairs: list[KeyPair]) -> Seen | None:
    """The way in which both recordings agree best, or None when they do not show the same place."""
    places = [place for pair in pairs if (place := _place(new, held, pair)) is not None]
    ranked = sorted(places, key=lambda place: -place.inliers)[:JUDGED]
    seen = []
    for geometry in ranked:
        both = shared(held, new, geometry) if geometry.inliers >= FEW_INLIERS else None
        if both is not None:
            seen.append(Seen(geometry, agreement(both), both.shown))
    sure = [one for one in seen if one.geometry.inliers >= INLIERS or strength(one.moves) >= THRESHOLD]
    best = max(sure, key=lambda one: strength(one.moves), default=None)
    if best is not None and strength(best.moves) >= THRESHOLD and best.moves.correlation >= WHOLE:
        return best
    ways = [best, *(_cut(new, held, geometry) for geometry in ranked[:CUT_PLACES])]
    return max((one for one in ways if one is not None), key=_strength, default=None)


def _cut(new: VideoFingerprint, held: VideoFingerprint, geometry: Similarity) -> Seen | None:
    """The new recording as one that is made of stretches of the held one, where they are evidence enough."""
    both = shared(held, new, geometry) if geometry.inliers >= FEW_INLIERS else None
    found = in_stretches(both) if both is not None else None
    if both is None or found is None:
        return None
    seen = Seen(geometry, found.moves, both.shown, found.stretches)
    return seen if _strength(seen) >= THRESHOLD else None


def _place(new: VideoFingerprint, held: VideoFingerprint, pair: KeyPair) -> Similarity | None:
    there, here = held.keys[pair.held].features, new.keys[pair.new].features
    j, i = mutual(there.bits, here.mirrored if pair.mirrored else here.bits)
    points = here.points[i].copy()
    if pair.mirrored:
        points[:, 0], points[:, 3] = new.width - points[:, 0], np.pi - points[:, 3]
    return similarity(there.points[j], points, mirrored=pair.mirrored)


def _match(recording: int, new: VideoFingerprint, held: VideoFingerprint, seen: Seen) -> Match:
    moves, geometry = seen.moves, seen.geometry
    whole = Stretch(max(0.0, -moves.offset), max(0.0, moves.offset), moves.overlap)
    spans = tuple(_aligned(stretch, moves.pace, new.seconds, held.seconds) for stretch in seen.stretches or (whole,))
    return Match(
        recording=recording,
        kind="video",
        verdict="duplicate" if seen.stretches else _verdict(moves),
        strength=round(_strength(seen), 3),
        threshold=THRESHOLD,
        covered=round(covered(spans, new.seconds), 3),
        spans=spans,
        transformation=Transformation(
            speed=round(1 / moves.pace, 3),
            mirrored=geometry.mirrored,
            scale=round(geometry.scale, 3),
            rotation_deg=round(geometry.rotation_deg, 1),
            shown=round(seen.shown, 2),
        ),
        version=VERSION,
    )


def _strength(seen: Seen) -> float:
    return chosen(seen.moves, len(seen.stretches) - 1) if seen.stretches else strength(seen.moves)


def strength(moves: Moves) -> float:
    """The correlation of motion, 0…1, as far as it counts.

    Less where the pair agrees at other offsets too, at another pace, for seconds, or in few moments; more where it
    stands as far above luck as no stranger's does.
    """
    return _agreed(moves) * _lasting(moves)


def chosen(moves: Moves, cuts: int) -> float:
    """How much the correlation of stretches counts that were chosen because they agree, 0…1; `cuts` between them."""
    if moves.overlap + BESIDE_CUT * cuts < FEWEST_CUT:
        return 0.0
    well = (moves.correlation - CHOSEN) / (CHOSEN_WELL - CHOSEN)
    counted = moves.correlation * _certain(moves, _above(moves)) * min(1.0, max(0.0, well))
    return counted * min(1.0, moves.overlap / FULL) * _lasting(moves)


def _lasting(moves: Moves) -> float:
    """How much an agreement counts by the number of moments that it comes from, 0…1."""
    return min(1.0, max(0.0, moves.moments - 1) / (MOMENTS - 1))


def _agreed(moves: Moves) -> float:
    """The strength that an agreement of many moments would have."""
    above = _above(moves)
    faint = THRESHOLD * above / ABOVE_LUCK if moves.correlation >= FAINT and moves.pace == 1.0 else 0.0
    strongest = max(0.0, moves.correlation * _certain(moves, above), faint)
    return min(1.0, strongest * doubt(moves.pace) * min(1.0, moves.overlap / FULL))


def _certain(moves: Moves, above: float) -> float:
    """How much of a correlation counts, 0…1: all where no other offset comes near, else by how far it is above luck."""
    # A pair that is too short to have other offsets says nothing of luck.
    if not above or (moves.next_best is not None and moves.next_best < ALONE * moves.correlation):
        return 1.0
    return min(1.0, above / _needed(moves))


def _above(moves: Moves) -> float:
    """How many times above luck a correlation stands, of which the next best offset is allowed some."""
    if moves.next_best is None or moves.next_best <= 0:
        return moves.above_luck
    return min(moves.above_luck, HIGHEST * max(0.0, moves.correlation) / moves.next_best)


def _needed(moves: Moves) -> float:
    """How many times above luck a correlation has to stand to count in full: hardly any where it is 1."""
    return max(LEAST_LUCK, CLEAR * min(1.0, (1 - moves.correlation) / (1 - EXACT)))


def _verdict(moves: Moves) -> Verdict:
    if moves.overlap < (FEWEST_MOVES if moves.pace == 1.0 else FEWEST_CHANGED):
        return "not-enough-content"
    if strength(moves) >= THRESHOLD:
        return "duplicate"
    # Few moments that agree are a person's to judge; where they do not even agree there is nothing to ask.
    return "not-enough-content" if moves.activity < STILL or _agreed(moves) >= THRESHOLD else "alike"


def _aligned(stretch: Stretch, pace: float, new_s: float, held_s: float) -> Aligned:
    """A stretch in seconds; in the new recording time runs at its own pace."""
    begin, length = stretch.new * pace, stretch.length * pace
    new = Span(round(begin / HZ, 2), round(min(new_s, (begin + length) / HZ), 2))
    return Aligned(new, Span(round(stretch.held / HZ, 2), round(min(held_s, (stretch.held + stretch.length) / HZ), 2)))
