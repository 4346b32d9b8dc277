"""What a line is worth: pauses say nothing, and a word in silence is no proof."""

import numpy as np

from capture_validation.duplicates.alignment import Held, Texture, align

SECOND = 62
SLOPES = np.arange(-7, 8) * 0.001


def random_bits(seed: int, frames: int) -> np.ndarray:
    """Texture of nothing in particular."""
    return np.random.default_rng(seed).integers(0, 2**64, frames, np.uint64)


def between(first: int, last: int, frames: int) -> np.ndarray:
    """Which of so many frames lie between two."""
    frame = np.arange(frames)
    return (first <= frame) & (frame < last)


def test_a_pause_does_not_count_against_a_copy():
    """A second says something, three seconds are silent, a second says something again."""
    bits = random_bits(1, 5 * SECOND)
    loud = ~between(SECOND, 4 * SECOND, 5 * SECOND)
    new = Texture(bits, np.where(loud, ~np.uint64(0), np.uint64(0)))

    line = align(new, Held(bits[::2].copy(), loud[::2].copy()), 0, SLOPES)

    assert line is not None
    assert line.share > 0.99


def test_one_second_that_agrees_is_half_a_proof():
    """A recording that says everything in one second had one chance to disagree."""
    bits = random_bits(2, 4 * SECOND)
    loud = between(SECOND, 2 * SECOND, 4 * SECOND)
    new = Texture(bits, np.where(loud, ~np.uint64(0), np.uint64(0)))

    line = align(new, Held(bits[::2].copy(), loud[::2].copy()), 0, SLOPES)

    assert line is not None
    assert 0.5 <= line.share < 0.55


def test_two_words_in_silence_that_hardly_agree_are_strangers():
    """Elsewhere silence is compared, which agrees with nothing and does not scatter: coins would scatter more."""
    frames, word = 190, between(40, 70, 190)
    own, other = random_bits(3, frames), random_bits(4, frames)
    alike = own ^ (other & random_bits(5, frames) & ~random_bits(6, frames))
    like_it = np.where(random_bits(7, frames) % 3 == 0, alike, other)
    new = Texture(own, np.where(word, ~np.uint64(0), np.uint64(0)))

    line = align(new, Held(like_it[::2].copy(), word[::2].copy()), 0, SLOPES)

    assert line is not None
    assert line.strength * line.share < 8
