"""Several generators, one verdict: workers tell their master what their phones were promised, and how busy they are.

Locust carries what it counts itself; this adds what `truth.py` looks at in the end.
"""

from __future__ import annotations

import time
from typing import Any

from load_tests.truth import TRUTH, Acknowledged, Keys
from load_tests.verdict import generator_cpu

#: How much of this process's was told already, and the newest word of each worker.
TOLD = {"acknowledged": 0, "announced": 0, "refused": 0}
CPU: dict[str, float] = {}


def tell(data: dict[str, Any], **_: Any) -> None:
    """Add to a worker's report what its phones were promised since the last one."""
    known = {id(keys): number for number, keys in enumerate(TRUTH.phones)}
    promises = TRUTH.acknowledged[TOLD["acknowledged"] :]
    data["companion"] = {
        "cpu": generator_cpu(),
        "announced": TRUTH.announced - TOLD["announced"],
        "refused": TRUTH.refused - TOLD["refused"],
        # Tokens are renewed on the way: all of them are told again, which is little beside a run's requests.
        "keys": [[keys.access, keys.refresh, time.monotonic() - keys.since] for keys in TRUTH.phones],
        "acknowledged": [[one.recording, one.sha256, known[id(one.keys)], *one.rate, one.lie] for one in promises],
    }
    TOLD["acknowledged"] += len(promises)
    TOLD["announced"], TOLD["refused"] = TRUTH.announced, TRUTH.refused


#: The phones of each worker, as their master knows them.
PHONES: dict[str, list[Keys]] = {}


def hear(client_id: str, data: dict[str, Any], **_: Any) -> None:
    """Take over what a worker told, on the master."""
    told = data.get("companion")
    if told is None:
        return
    CPU[client_id] = told["cpu"]
    TRUTH.announced += told["announced"]
    TRUTH.refused += told["refused"]
    phones = PHONES.setdefault(client_id, [])
    for number, (access, refresh, age_s) in enumerate(told["keys"]):
        since = time.monotonic() - age_s
        if number < len(phones):
            phones[number].access, phones[number].refresh, phones[number].since = access, refresh, since
        else:
            phones.append(Keys(access, refresh, since))
            TRUTH.phones.append(phones[-1])
    for recording, sha256, place, micros, per_ms, lie in told["acknowledged"]:
        TRUTH.keep(Acknowledged(recording, sha256, phones[place], (micros, per_ms), lie))
