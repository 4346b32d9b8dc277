"""Words of pictures: a part of each descriptor's bits as one integer, posted per key frame.

Eight tables of 24 bits: two descriptors of one point agree on all bits of a table far more often than strangers do,
and one shared table of one point is enough to propose (Indyk and Motwani, STOC 1998).
"""

import numpy as np
from numpy.typing import NDArray

from capture_validation.duplicates.audio_words import Words
from capture_validation.duplicates.features import BITS, Bytes
from capture_validation.duplicates.video import VideoFingerprint

TABLES, WIDTH = 8, 24
_CHOSEN = np.random.default_rng(2).permutation(BITS)[: TABLES * WIDTH].reshape(TABLES, WIDTH)
_WEIGHTS = 1 << np.arange(WIDTH)


def visual_words(bits: Bytes) -> NDArray[np.int64]:
    """Words of descriptors uint8 (n, 32): int64 (n, TABLES), 0 … 2²⁷ − 1, a positive int4; the table comes first."""
    flags = np.unpackbits(bits, axis=1).astype(np.int64)
    return np.stack([(flags[:, chosen] @ _WEIGHTS) + (table << WIDTH) for table, chosen in enumerate(_CHOSEN)], axis=1)


def posted(stored: VideoFingerprint) -> Words:
    """What to post of a stored recording: every word once per key frame; `place` is the number of the key frame."""
    word, key = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number, frame in enumerate(stored.keys):
        own = np.unique(visual_words(frame.features.bits))
        word.append(own)
        key.append(np.full(len(own), number))
    return Words(np.concatenate(word), np.concatenate(key))
