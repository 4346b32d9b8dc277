"""The job on real engines: killed, run twice, outrun, and failing through no fault of the contributor."""

import asyncio
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from api import validation
from api.validation import Workplace, back_off, validate_recording
from capture_validation.errors import SandboxUnavailable
from capture_validation.examination import Examined
from capture_validation.profile import profile
from capture_validation.report import Rejection
from storage.database import Pool, transaction
from storage.queue import UntilItWorks, WaitFirst
from storage.reports import Kills
from storage.sweeping import remove_doomed
from tests.api.conftest import forget_jobs, running
from tests.api.taking import agree, claim, examined, send, speech, submit

Campaign = dict[str, Any]
Client = httpx.AsyncClient


async def state_of(client: Client, recording: str) -> tuple[str, str | None]:
    """Where a recording stands and why."""
    shown = (await client.get(f"/v1/recordings/{recording}")).json()["recording"]
    return shown["state"], shown["because"]


async def test_without_consent_it_waits_for_it_and_then_goes_on_at_once(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """The consent moves it in its own transaction."""
    recording = await submit(contributor, campaign, speech())
    await examined(place, contributor, recording)
    before = await state_of(contributor, recording)

    await agree(contributor, campaign, recording)

    assert ("needs_consent", "consent-missing") == before
    assert ("accepted", "consent-given") == await state_of(contributor, recording)


@pytest.mark.parametrize(
    "data", [b"This is a text, whatever it is called.", b"OggS\0\2" + bytes(20) + b"\1\x08BBCD\0\0\0\0"]
)
async def test_what_calls_itself_sound_is_rejected_with_a_reason(
    contributor: Client, campaign: Campaign, place: Workplace, data: bytes
) -> None:
    """The report says what is wrong with the file, in words, also where the file names its codec with zeros."""
    recording = await submit(contributor, campaign, data)

    detail = await examined(place, contributor, recording)

    report = (await contributor.get(f"/v1/recordings/{recording}/report")).json()
    assert ("rejected", "unreadable") == (detail["recording"]["state"], detail["recording"]["because"])
    assert report["rejection"]["message"]
    assert report["rejection"]["fix"]


async def test_wrong_bytes_in_pieces_are_rejected_and_can_be_announced_again(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """The worker hashes the whole: a contributor who then sends the right file is heard."""
    data = speech()
    claimed = (await claim(contributor, campaign, data)).json()
    url = claimed["upload"]["url"]
    await send(contributor, url, bytes(1000))
    await send(contributor, url, data[1000:], 1000)

    detail = await examined(place, contributor, claimed["id"])
    again = await claim(contributor, campaign, data)

    assert ("rejected", "hash-mismatch") == (detail["recording"]["state"], detail["recording"]["because"])
    assert detail["report_url"] is None
    assert (201, True) == (again.status_code, again.json()["id"] != claimed["id"])


async def test_bytes_that_somebody_else_holds_are_looked_at_by_a_person(
    contributor: Client, other: Client, campaign: Campaign, place: Workplace
) -> None:
    """Nothing tells the second contributor about the first."""
    data = speech()
    first = await submit(contributor, campaign, data)
    await examined(place, contributor, first)
    second = await submit(other, campaign, data)

    detail = await examined(place, other, second)

    assert ("in_review", "second-look") == (detail["recording"]["state"], detail["recording"]["because"])
    assert first not in str(detail)
    assert "in_review" != (await state_of(contributor, first))[0]


async def test_a_job_that_runs_twice_has_one_effect(contributor: Client, campaign: Campaign, place: Workplace) -> None:
    """A queue delivers at least once; the second run finds nothing to do."""
    recording = await submit(contributor, campaign, speech())
    await examined(place, contributor, recording)
    first = (await contributor.get(f"/v1/recordings/{recording}")).json()

    await validate_recording(place, UUID(recording), tries=0)

    assert first == (await contributor.get(f"/v1/recordings/{recording}")).json()


async def test_an_attempt_that_was_outrun_changes_nothing(
    contributor: Client, campaign: Campaign, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was thought dead comes back after another one took over: its object is thrown away."""
    recording = await submit(contributor, campaign, speech())
    slow, go_on = asyncio.Event(), asyncio.Event()
    real = validation.keep

    async def delayed(*arguments: Any) -> str:
        key = await real(*arguments)
        if not slow.is_set():
            slow.set()
            await go_on.wait()
        return key

    monkeypatch.setattr(validation, "keep", delayed)
    zombie = asyncio.create_task(validate_recording(place, UUID(recording), tries=0))
    await slow.wait()
    await validate_recording(place, UUID(recording), tries=0)
    concluded = (await contributor.get(f"/v1/recordings/{recording}")).json()
    go_on.set()
    await zombie

    assert concluded == (await contributor.get(f"/v1/recordings/{recording}")).json()
    while await remove_doomed(place.database, place.store):
        pass
    assert [f"recordings/{recording}/2"] == [item.key for item in await place.store.listing(f"recordings/{recording}/")]


async def test_an_old_attempt_cannot_conclude_while_a_newer_one_works(
    contributor: Client, campaign: Campaign, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number is the fence, not the state: the recording still waits for the newest attempt."""
    recording = await submit(contributor, campaign, speech())
    gates, reached = [asyncio.Event(), asyncio.Event()], [asyncio.Event(), asyncio.Event()]
    coming = iter((0, 1))
    real = validation.keep

    async def gated(*arguments: Any) -> str:
        key = await real(*arguments)
        number = next(coming)
        reached[number].set()
        await gates[number].wait()
        return key

    monkeypatch.setattr(validation, "keep", gated)
    attempts = []
    async with asyncio.timeout(60):
        for examined_and_stored in reached:
            attempts.append(asyncio.create_task(validate_recording(place, UUID(recording), tries=0)))
            await examined_and_stored.wait()
        gates[0].set()
        await attempts[0]
        between = await state_of(contributor, recording)
        gates[1].set()
        await attempts[1]

    assert ("validating", "all-bytes") == between
    assert "needs_consent" == (await state_of(contributor, recording))[0]


async def test_our_own_failure_is_never_the_contributors(
    contributor: Client, campaign: Campaign, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is retried; after several tries the recording says so; when it works again it is examined like any other."""
    recording = await submit(contributor, campaign, speech())

    def unavailable(*_: Any) -> Examined:
        raise SandboxUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(validation, "examined", unavailable)
        with pytest.raises(SandboxUnavailable):
            await validate_recording(place, UUID(recording), tries=0)
        early = await state_of(contributor, recording)
        with pytest.raises(SandboxUnavailable):
            await validate_recording(place, UUID(recording), tries=3)
        late = await state_of(contributor, recording)
    await validate_recording(place, UUID(recording), tries=4)

    assert ("validating", "failed", "needs_consent") == (
        early[0],
        late[0],
        (await state_of(contributor, recording))[0],
    )


async def test_a_recording_deleted_meanwhile_stays_deleted(
    contributor: Client, campaign: Campaign, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of it stays in the store."""
    recording = await submit(contributor, campaign, speech())
    real = validation.keep

    async def deleting(*arguments: Any) -> str:
        key = await real(*arguments)
        assert 204 == (await contributor.delete(f"/v1/recordings/{recording}")).status_code
        return key

    monkeypatch.setattr(validation, "keep", deleting)
    await validate_recording(place, UUID(recording), tries=0)
    while await remove_doomed(place.database, place.store):
        pass

    assert 404 == (await contributor.get(f"/v1/recordings/{recording}")).status_code
    assert [] == await place.store.listing(f"recordings/{recording}/")


async def test_an_account_whose_recordings_had_to_be_killed_waits(
    contributor: Client, other: Client, campaign: Campaign, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third one waits a minute; another contributor's does not."""

    def expensive(*_: Any) -> Examined:
        return Examined(profile("speech").rejected(Rejection("too-expensive")), None)

    with monkeypatch.context() as hostile:
        hostile.setattr(validation, "examined", expensive)
        for _ in range(2):
            await examined(place, contributor, await submit(contributor, campaign, speech()))
    third, innocent = await submit(contributor, campaign, speech()), await submit(other, campaign, speech())

    with pytest.raises(WaitFirst) as wait:
        await validate_recording(place, UUID(third), tries=0)
    await validate_recording(place, UUID(innocent), tries=0)

    assert 50 <= wait.value.wait.total_seconds() <= 60
    assert "needs_consent" == (await state_of(other, innocent))[0]


@pytest.mark.parametrize(
    ("count", "ago_s", "expected_s"), [(0, 0, 0), (1, 0, 0), (2, 0, 60), (3, 30, 90), (4, 0, 240), (50, 0, 1200)]
)
def test_the_back_off_doubles_to_twenty_minutes(count: int, ago_s: int, expected_s: int) -> None:
    """Time that has passed since the newest kill counts."""
    assert expected_s == back_off(Kills(count, timedelta(seconds=ago_s))).total_seconds()


def test_retries_go_on_for_ever_with_growing_pauses() -> None:
    """What fails on our side is tried again however often it failed."""

    class Job:
        attempts = 10_000

    assert UntilItWorks().get_retry_decision(exception=OSError(), job=Job()) is not None  # type: ignore[arg-type]


async def test_a_killed_workers_job_is_done_by_another_within_ten_seconds(
    contributor: Client,
    campaign: Campaign,
    process_environment: dict[str, str],
    database: Pool,
    tmp_path: Path,
) -> None:
    """A kill -9 in the middle of an examination: one report, one decision, nothing lost."""
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    forget_jobs(process_environment)
    with running("worker", process_environment, logs[0]) as one, running("worker", process_environment, logs[1]) as two:
        await until(lambda: all("working" in log.read_text() for log in logs))
        # Its first examination starts the sandbox, which takes a second or more: it is certainly in the middle.
        recording = await submit(contributor, campaign, speech())
        await until(lambda: any(recording in log.read_text() for log in logs))
        victim = one if recording in logs[0].read_text() else two
        victim.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        await until(lambda: all(recording in log.read_text() for log in logs))
        taken_up_after = time.monotonic() - killed
        while (await state_of(contributor, recording))[0] == "validating":
            assert time.monotonic() < killed + 90, [log.read_text() for log in logs]
            await asyncio.sleep(0.05)

    assert ("needs_consent", "consent-missing") == await state_of(contributor, recording)
    assert 1 == await count(database, "SELECT count(*) FROM reports WHERE recording_id = %s", recording)
    assert 1 == await count(
        database,
        "SELECT count(*) FROM recording_events WHERE recording_id = %s AND from_state = 'validating'",
        recording,
    )
    print(f"\ntaken up {taken_up_after:.1f} s after kill -9")
    assert taken_up_after < 10


async def until(holds: Callable[[], bool], patience_s: float = 60) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def count(database: Pool, query: str, recording: str) -> int:
    """Ask for one number."""
    async with transaction(database) as connection:
        row = await (await connection.execute(query, (recording,))).fetchone()  # type: ignore[call-overload]
    return int(row[0])
