"""Nominations: the few words by which a large index is asked which recordings to look at closely.

A minute of speech has two thousand words, twenty times as many with every change of speed and pitch, and an index of
years holds some of each in a hundred recordings. Asking for all of them costs seconds. A copy shares most of its words
with the original, so a few dozen of every twelve seconds are enough to nominate it, the rarest ones first; only what
was nominated is then compared word by word, as on a laptop.
"""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from capture_validation.duplicates.audio_words import Integers, Triples, Words, words
from capture_validation.duplicates.proposals import BLOCK, Find, Warp
from capture_validation.duplicates.video import VideoFingerprint
from capture_validation.duplicates.visual_words import visual_words

#: Words asked for of every 12 s: unchanged, and for each change. The grid of changes is coarse, so that of a copy that
#: was bent only some words in a hundred are those of the original: it takes many to nominate it.
PLAIN_WORDS, CHANGED_WORDS = 96, 200
#: Words asked for of one recording before it has to do with a few of each stretch: ten minutes that were bent are found
#: by any of their fifty stretches, and an hour must not cost sixty times what a minute costs.
THRIFTY, THRIFTY_WORDS = 60_000, 24
#: One key frame is asked for in this many seconds, with the words of its strongest points, as it is and mirrored.
KEY_EVERY_S, KEY_POINTS, KEY_WORDS, MOST_KEYS = 2.0, 40, 160, 60


class Question(Struct, frozen=True):
    """Words to look up: int64 (n,). Votes add up within one `group`, int64 (n,), a stretch of time under one change."""

    word: Integers
    group: Integers


class Nominated(Struct, frozen=True):
    """What is worth a closer look: an index of the nominated recordings, and the changes that nominated any."""

    find: Find
    warps: Sequence[Warp]


#: Asked with landmarks of a new recording and the changes to look for.
Look = Callable[[Triples, Sequence[Warp]], Nominated]


def everything(find: Find) -> Look:
    """Look closely at every recording of an index that is small enough."""
    return lambda _, warps: Nominated(find, warps)


class Block(Struct, frozen=True):
    """Twelve seconds of a held recording: `number` from 0, `word` int64 (n,), `frame` int64 (n,) from its beginning."""

    number: int
    word: Integers
    frame: Integers


def blocks(posted: Words) -> list[Block]:
    """Cut the words of a recording into stretches of 12 s, which an index stores and counts votes in."""
    number = posted.frame // BLOCK
    parts = [(one, np.flatnonzero(number == one)) for one in np.unique(number)]
    return [Block(int(one), posted.word[own], posted.frame[own]) for one, own in parts]


def sound_question(triples: Triples, warps: Sequence[Warp], common: Integers, asked: int = 0) -> Question:
    """What to ask about a minute of sound; group // `len(warps)` is the stretch, group % `len(warps)` the change.

    `common`: words that many recordings share, int64 (n,), the most shared one first. `asked`: how many words were
    asked for of this recording before.
    """
    most = PLAIN_WORDS if len(warps) == 1 else CHANGED_WORDS if asked < THRIFTY else THRIFTY_WORDS
    parts: list[tuple[Integers, int]] = []
    for number, warp in enumerate(warps):
        made = words(triples, warp.time, warp.pitch)
        stretch = np.maximum(made.frame, 0) // BLOCK
        parts += [
            (rarest(made.word[stretch == one], common, most), int(one) * len(warps) + number)
            for one in np.unique(stretch)
        ]
    return joined(parts)


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
