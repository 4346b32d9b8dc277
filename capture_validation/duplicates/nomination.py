"""Nominations: the few words by which a large index is asked which pictures to look at closely.

A key frame has two thousand words, and an index of years holds some of them in a hundred recordings. A copy shares many
of them with the original, so those of the strongest points are enough to nominate it, the rarest ones first; only what
was nominated is then compared point by point, as on a laptop.
"""

import numpy as np
from msgspec import Struct

from capture_validation.duplicates.audio_words import Integers
from capture_validation.duplicates.video import VideoFingerprint
from capture_validation.duplicates.visual_words import visual_words

#: One key frame is asked for in this many seconds, with the words of its strongest points, as it is and mirrored.
KEY_EVERY_S, KEY_POINTS, KEY_WORDS, MOST_KEYS = 2.0, 40, 160, 60


class Question(Struct, frozen=True):
    """Words to look up: int64 (n,). Votes add up within one `group`, int64 (n,), a key frame as it is or mirrored."""

    word: Integers
    group: Integers


def picture_question(video: VideoFingerprint, common: Integers) -> Question:
    """What to ask about pictures; an even group is a key frame as it is, an odd one mirrored."""
    parts: list[tuple[Integers, int]] = []
    due, step = 0.0, max(KEY_EVERY_S, video.seconds / MOST_KEYS)
    for number, key in enumerate(video.keys):
        if key.at_s < due - 1e-3 or not len(key.features.points):
            continue
        due = key.at_s + step
        for mirrored, bits in enumerate((key.features.bits, key.features.mirrored)):
            own = visual_words(bits[:KEY_POINTS]).ravel()
            parts.append((rarest(own, common, KEY_WORDS), 2 * number + mirrored))
    return joined(parts)


def rarest(asked: Integers, common: Integers, most: int) -> Integers:
    """At most so many different words, those that fewest recordings share; the same ones each time."""
    own, first = np.unique(asked, return_index=True)
    own = own[np.argsort(first, kind="stable")]
    known = np.flatnonzero(np.isin(common, own))
    rank = np.full(len(own), len(common))
    order = np.argsort(own)
    rank[order[np.searchsorted(own[order], common[known])]] = known
    return own[np.sort(np.argsort(-rank, kind="stable")[:most])]


def joined(parts: list[tuple[Integers, int]]) -> Question:
    """One question of many groups."""
    nothing = np.zeros(0, np.int64)
    group = [np.full(len(word), number) for word, number in parts]
    return Question(np.concatenate([nothing, *(word for word, _ in parts)]), np.concatenate([nothing, *group]))
