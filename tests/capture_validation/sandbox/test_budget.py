"""CPU seconds by what a container claims, and by what it weighs."""

import math

from capture_validation.containers import Container
from capture_validation.sandbox.budget import BASE_CPU_S, CPU_PER_SECOND_XRAY, LONGEST_CPU_S, analysis_cpu_s


def film(**claims: float) -> Container:
    facts = {"size_bytes": 1_000_000_000, "claimed_duration_s": 60.0, "width": 1920, "height": 1080} | claims
    return Container(format="mov", kind="video", media_type="video/mp4", **facts)  # type: ignore[arg-type]


def test_a_second_of_1080p_earns_two_seconds_and_its_sound_a_tenth() -> None:
    assert math.isclose(BASE_CPU_S + 60 * (2.1 + CPU_PER_SECOND_XRAY), analysis_cpu_s(film()))


def test_pixels_scale_the_budget() -> None:
    small, large = analysis_cpu_s(film(width=960, height=540)), analysis_cpu_s(film(width=3840, height=2160))

    assert small < analysis_cpu_s(film()) < large


def test_a_tiny_file_cannot_buy_time_with_a_long_claim() -> None:
    """300 kB that claim ten minutes of 4K get what 300 kB deserve."""
    assert BASE_CPU_S + 100 == analysis_cpu_s(film(size_bytes=300_000, claimed_duration_s=600, width=4096, height=2304))


def test_ten_minutes_in_which_nothing_moves_are_looked_at_to_the_end() -> None:
    """A film of a room has 2 kB a second; text and faces are looked for all the same, half a second each second."""
    assert analysis_cpu_s(film(size_bytes=600 * 2_250, claimed_duration_s=600, width=1280, height=720)) > 600 * 0.7


def test_no_claim_at_all_counts_as_the_longest_recording_allowed() -> None:
    assert analysis_cpu_s(film(claimed_duration_s=None)) == analysis_cpu_s(film(claimed_duration_s=600.0))


def test_no_budget_is_endless() -> None:
    longest = film(size_bytes=2_000_000_000, claimed_duration_s=1e9, width=4096, height=2304)

    assert LONGEST_CPU_S == analysis_cpu_s(longest)
