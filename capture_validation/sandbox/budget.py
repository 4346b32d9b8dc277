"""How much CPU time a recording may cost, by what its container claims.

The claim is bounded twice: by the length a stranger writes into a header, and by the bytes he took the trouble to
send. A tiny file that claims ten minutes of 4K gets the budget of a tiny file.
"""

from capture_validation.capacity import CAPACITY, Capacity
from capture_validation.containers import Container

PROBE_CPU_S = 10.0
BASE_CPU_S = 10.0
LONGEST_CPU_S = 1800.0
# One second of 1080p costs 0.5 s to decode and half of that to analyse on a slow core; sound a hundredth.
CPU_PER_SECOND_1080P = 2.0
CPU_PER_SECOND_SOUND = 0.1
# The networks look at pictures of one size, whatever was filmed: faces every second, also of heads that lie, and text,
# at 960 pixels, every two. That is half a second on a quiet core.
CPU_PER_SECOND_XRAY = 1.2
PIXELS_1080P = 1920 * 1080
# The thinnest 1080p recording a phone writes has about 20 kB a second, but a screen or a room in which nothing moves
# takes 2 kB, and the networks look at it all the same.
BYTES_PER_CPU_S = 3_000


def analysis_cpu_s(container: Container, capacity: Capacity = CAPACITY) -> float:
    """CPU seconds one analysis may take."""
    video = container.kind == "video"
    longest = capacity.video_duration_s if video else capacity.audio_duration_s
    seconds = min(container.claimed_duration_s or longest, longest)
    per_second = CPU_PER_SECOND_SOUND
    if video:
        per_second += CPU_PER_SECOND_XRAY + CPU_PER_SECOND_1080P * container.width * container.height / PIXELS_1080P
    earned = min(seconds * per_second, container.size_bytes / BYTES_PER_CPU_S)
    return min(BASE_CPU_S + earned, LONGEST_CPU_S)
