"""How long waves stay near their tops."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from capture_validation.checks.audio_flat_top import HIGH, NEAR, OVER, SINE, HalfWaves

LONGEST = 40


def each_wave(samples: np.ndarray, high: float) -> float:
    """The same, one half-wave after the other; the last one has not ended."""
    near = over = 0
    for wave in np.split(samples, np.flatnonzero(np.diff(np.signbit(samples))) + 1)[:-1]:
        sizes = np.abs(wave)
        if len(wave) <= LONGEST and sizes.max() >= HIGH * high:
            near += int((sizes > np.float32(NEAR) * sizes.max()).sum())
            over += int((sizes > np.float32(OVER) * sizes.max()).sum())
    return near / over / SINE if over else 1.0


@given(st.integers(0, 1000), st.integers(1, 30), st.sampled_from([0.3, 0.05, 0.012]))
def test_leaving_quiet_waves_out_changes_nothing(seed: int, smooth: int, level: float) -> None:
    """Long waves do not count, nor do low ones, however the sound was cut; `high` is a power of two, as cells are."""
    noise = np.random.default_rng(seed).normal(0, 1, 3000)
    loud = np.convolve(noise, np.ones(smooth) / smooth**0.5, "same") * np.linspace(0.001, 1, 3000) * level
    samples = loud.astype(np.float32)
    waves = HalfWaves(LONGEST)
    for part in np.split(samples, [seed % 2900 + 50, 2980]):
        waves.add(part)

    high = 2.0 ** np.ceil(np.log2(level)) / HIGH
    assert each_wave(samples, high) == waves.flatness(high)
