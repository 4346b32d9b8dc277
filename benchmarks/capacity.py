"""What a minute of recording and a contributor who reads cost: processor time of every part of the service.

Processor time does not depend on how many share the machine as much as the clock does; on a busy one it is still up to
twice as much, because caches are shared. What a core carries follows from it, and so does which part is full first.
"""

import hashlib
import statistics
import time
import uuid
from collections import Counter
from typing import Any

import httpx
import psutil

from benchmarks.comparison import table
from load_tests.service import Service, running_service
from load_tests.sounds import recording

#: Recordings of one run and their length; screens that are read.
RECORDINGS, LENGTH_S, SCREENS, SIGN_UPS = 10, 12.0, 300, 5
#: A contributor who reads opens a screen every so many seconds; half of a core is kept for peaks.
SCREEN_EVERY_S, FULL = 8.0, 0.5
#: How long the service is watched at rest, in s.
REST_S = 10.0
PASSWORD = "a sentence nobody else says"  # noqa: S105 – the account lives for a minute.
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
PAGES = ("/v1/campaigns?media=audio", "/v1/recordings", "/v1/balances", "/v1/earnings/summary")
PARTS = ("api", "worker", "postgres", "seaweedfs")
HEAD = ["CPU of", *PARTS, "together", "one core carries"]


def main() -> None:
    """Measure, and print what everything costs and what is full first."""
    with running_service() as service, httpx.Client(base_url=service.url, timeout=120) as client:
        signing_up = spent(service, lambda: [signed_up(client) for _ in range(SIGN_UPS)])
        sent(client, 1)
        sending = spent(service, lambda: sent(client, RECORDINGS))
        reading = spent(service, lambda: read(client))
        held = {part: memory(service, part) for part in PARTS}
    minutes = RECORDINGS * LENGTH_S / 60
    rows = [
        row("a minute of recording (s)", sending, minutes, lambda whole: f"{60 * FULL / whole:.0f} min a minute"),
        row("a recording of 12 s (s)", sending, RECORDINGS, lambda whole: f"{3600 * FULL / whole:.0f} an hour"),
        row("a screen (ms)", reading, SCREENS / 1000, lambda ms: f"{FULL * SCREEN_EVERY_S / (ms / 1000):.0f} readers"),
        row("a sign-up (ms)", signing_up, SIGN_UPS / 1000, lambda whole: f"{FULL / (whole / 1000):.0f} a second"),
        ["memory (MB)", *(f"{held[part]:.0f}" for part in PARTS), f"{sum(held.values()):.0f}", ""],
    ]
    print(table("Capacity", HEAD, rows))
    print(f"Half of a core is kept for peaks. Full first: {max(PARTS, key=sending.__getitem__)} while people record, "
          f"{max(PARTS, key=reading.__getitem__)} while they read.")  # fmt: skip


def row(name: str, costs: Counter[str], times: float, carries: Any) -> list[str]:
    """Write what one thing costs, part by part."""
    each = [costs[part] / times for part in PARTS]
    return [name, *(f"{cost:.3g}" for cost in each), f"{sum(each):.3g}", carries(max(sum(each), 1e-9))]


def spent(service: Service, work: Any) -> Counter[str]:
    """Give the processor time in s that each part spends while something is done, less what it spends at rest."""
    rest = cpu(service)
    time.sleep(REST_S)
    began, before = time.monotonic(), cpu(service)
    work()
    # What follows an answer, such as a cleaned copy, belongs to it.
    quiet = 0
    while quiet < 3:
        now = cpu(service)
        time.sleep(1)
        quiet = quiet + 1 if sum(cpu(service).values()) - sum(now.values()) < 0.1 else 0
    after, times = cpu(service), (time.monotonic() - began) / REST_S
    return Counter({part: after[part] - before[part] - times * (before[part] - rest[part]) for part in PARTS})


def cpu(service: Service) -> Counter[str]:
    """Add up processor time by part; a process counts the children that it has outlived."""
    spent_s: Counter[str] = Counter()
    for part, process in processes(service):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent_s[part] += times.user + times.system + times.children_user + times.children_system
    return spent_s


def memory(service: Service, part: str) -> float:
    """Memory of a part in MB, what its processes share counted once."""
    sizes = []
    for name, process in processes(service):
        if name == part:
            sizes.append(process.memory_full_info().pss / 1e6)
    return sum(sizes)


def processes(service: Service) -> list[tuple[str, psutil.Process]]:
    """Give every process of the service with the part that it belongs to."""
    found = []
    for child in psutil.Process(service.process.pid).children():
        part = named(child)
        found += [(part, process) for process in (child, *child.children(recursive=True))]
    return found


def named(process: psutil.Process) -> str:
    """Name the part that a child of `companion run` is."""
    words = process.cmdline()
    if words[-1] in {"api", "worker"}:
        return words[-1]
    return "postgres" if "postgres" in words[0] else "seaweedfs"


def signed_up(client: httpx.Client) -> None:
    """Open an account."""
    account = {"email": f"{uuid.uuid4()}@example.org", "password": PASSWORD}
    tokens = client.post("/v1/accounts", json=account).raise_for_status().json()["tokens"]
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"


def sent(client: httpx.Client, count: int) -> None:
    """Send recordings one after the other, agree to the terms, and read what became of each."""
    entry = client.get("/v1/campaigns", params={"media": "audio"}).raise_for_status().json()["data"][0]
    campaign = client.get(entry["url"]).raise_for_status().json()
    sheet = client.get(campaign["term_sheet"]["url"]).raise_for_status().json()
    uses = {use["code"]: "given" for use in sheet["uses"] if use["stance"] != "prohibited"}
    terms = {"term_sheet": campaign["term_sheet"]["id"], "version": campaign["term_sheet"]["version"]}
    terms |= {"sha256": campaign["term_sheet"]["sha256"], "locale": "en", "decisions": uses}
    for _ in range(count):
        data = recording(LENGTH_S)
        wish = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data), "media_type": "audio/wav"}
        wish |= {"campaign": campaign["id"], "language": "en"}
        claimed = client.post("/v1/recordings", json=wish).raise_for_status().json()
        path = claimed["upload"]["url"]
        client.patch(path[path.index("/v1/") :], content=data, headers=TUS).raise_for_status()
        client.put(f"/v1/recordings/{claimed['id']}/consents", json=terms).raise_for_status()
        decided(client, claimed["id"])


def decided(client: httpx.Client, recording_id: str) -> None:
    """Wait for the report as an app does, and read it."""
    while True:
        seen = client.get(f"/v1/recordings/{recording_id}").raise_for_status().json()
        if seen["report_url"]:
            client.get(seen["report_url"]).raise_for_status()
            return
        time.sleep(0.5)


def read(client: httpx.Client) -> None:
    """Open screens."""
    took = []
    for number in range(SCREENS):
        began = time.perf_counter()
        client.get(PAGES[number % len(PAGES)]).raise_for_status()
        took.append(time.perf_counter() - began)
    print(f"a screen took {1000 * statistics.median(took):.1f} ms (median)")


if __name__ == "__main__":
    main()
