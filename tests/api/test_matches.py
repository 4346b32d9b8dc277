"""Copies in the service: the index nominates, the owner sees both stretches, and nobody learns of anybody else."""

import asyncio
import hashlib
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import psycopg
import pytest

from api.matching import VERSIONS, Compared, Likely, likeness, read, sent
from api.validation import Workplace, validate_recording
from capture_validation.duplicates.evidence import Aligned, Match, Transformation
from capture_validation.duplicates.recording import VERSION
from capture_validation.report import Span
from storage import fingerprints, sound_lists
from storage.database import Connection, Pool, transaction
from storage.fingerprints import Fingerprint, Heard, Held, KeyFrame, Sound, Subject
from storage.recordings import move
from storage.sound_lists import TOGETHER
from tests.api.taking import agree, examined, fresh, submit
from tests.voices import new_speech, sound_of, wav

Campaign = dict[str, Any]
Client = httpx.AsyncClient


def copied(data: bytes) -> bytes:
    """The same recording, quieter and with noise."""
    sound = sound_of(data)
    return wav(0.6 * sound + 0.0005 * np.random.default_rng(1).standard_normal(len(sound)))


async def taken(client: Client, campaign: Campaign, data: bytes, place: Workplace) -> str:
    """Send a recording with consent and have it examined; return its id."""
    recording = await submit(client, campaign, data)
    await agree(client, campaign, recording)
    await examined(place, client, recording)
    return recording


async def stands(client: Client, recording: str) -> tuple[str, str | None]:
    """Where a recording stands and why."""
    shown = (await client.get(f"/v1/recordings/{recording}")).json()["recording"]
    return shown["state"], shown["because"]


async def test_an_own_copy_is_sent_back_with_both_stretches(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """Its owner sees which recording it was, where, and how sure we are."""
    data = new_speech()
    first = await taken(contributor, campaign, data, place)
    second = await taken(contributor, campaign, copied(data), place)

    shown = await contributor.get(f"/v1/recordings/{second}/matches", headers={"Accept-Language": "de"})

    match = shown.json()["data"][0]
    assert ("accepted", "passed") == await stands(contributor, first)
    assert ("needs_fix", "already-sent") == await stands(contributor, second)
    assert (first, "accepted") == (match["held"]["id"], match["held"]["state"])
    assert ("audio", "duplicate") == (match["kind"], match["verdict"])
    assert match["strength"] > match["threshold"]
    assert match["covered"] == pytest.approx(1, abs=0.1)
    span = match["spans"][0]
    assert span["new"]["start_s"] == pytest.approx(span["held"]["start_s"], abs=0.1)
    assert "schon gesendet" in match["sentence"]
    assert 200 == (await contributor.get(match["held"]["media_url"])).status_code


async def test_the_stretch_that_was_sent_already_is_named(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """Five seconds of an old recording inside a new one. Of such pairs one in ten agrees a second longer by luck."""
    old, new = sound_of(new_speech(11)), sound_of(new_speech(12))
    first = await taken(contributor, campaign, wav(old), place)
    second = await taken(contributor, campaign, wav(np.concatenate((new, old[48_000:128_000]))), place)

    match = (await contributor.get(f"/v1/recordings/{second}/matches")).json()["data"][0]

    assert ("needs_fix", "already-sent") == await stands(contributor, second)
    assert first == match["held"]["id"]
    assert match["spans"][0]["new"]["start_s"] == pytest.approx(11, abs=1)
    assert match["spans"][0]["held"]["start_s"] == pytest.approx(3, abs=1)
    assert "0:1" in match["sentence"]


async def test_another_wrapper_is_the_same_content(contributor: Client, campaign: Campaign, place: Workplace) -> None:
    """Other bytes around the same sound are exact, and need neither evidence nor a person."""
    data = new_speech()
    await taken(contributor, campaign, data, place)
    second = await taken(contributor, campaign, fresh(data), place)

    match = (await contributor.get(f"/v1/recordings/{second}/matches")).json()["data"][0]

    assert ("needs_fix", "already-sent") == await stands(contributor, second)
    assert ("content", 1.0, 1.0) == (match["kind"], match["covered"], match["strength"])
    assert "You have sent all of this already." == match["sentence"]


async def test_nothing_is_told_of_another_contributors_recording(
    contributor: Client, other: Client, campaign: Campaign, place: Workplace
) -> None:
    """A person takes a second look; neither side learns of the other."""
    data = new_speech()
    first = await taken(contributor, campaign, data, place)
    second = await taken(other, campaign, copied(data), place)

    told = [(await other.get(f"/v1/recordings/{second}{what}")).text for what in ("", "/matches", "/report")]

    assert ("in_review", "second-look") == await stands(other, second)
    assert ("accepted", "passed") == await stands(contributor, first)
    assert [] == (await other.get(f"/v1/recordings/{second}/matches")).json()["data"]
    assert not any(first in text for text in told)
    assert [] == (await contributor.get(f"/v1/recordings/{first}/matches")).json()["data"]


async def test_of_two_copies_at_the_same_instant_one_is_accepted(
    contributor: Client, other: Client, campaign: Campaign, place: Workplace
) -> None:
    """Both are compared before either is kept; the lock lets the second one see the first."""
    data = new_speech()
    recordings = [await submit(contributor, campaign, data), await submit(other, campaign, copied(data))]
    for client, recording in zip((contributor, other), recordings, strict=True):
        await agree(client, campaign, recording)

    await asyncio.gather(*(validate_recording(place, UUID(recording), tries=0) for recording in recordings))

    ends = [await stands(contributor, recordings[0]), await stands(other, recordings[1])]
    assert [("accepted", "passed"), ("in_review", "second-look")] == sorted(ends)


async def test_the_same_speaker_and_the_same_syllables_are_two_recordings(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """A fingerprint identifies a recording, not a voice."""
    recordings = [await taken(contributor, campaign, new_speech(), place) for _ in range(2)]

    assert [("accepted", "passed")] * 2 == [await stands(contributor, recording) for recording in recordings]


async def test_an_objection_goes_to_a_person_and_the_answer_is_kept(
    contributor: Client, campaign: Campaign, place: Workplace, database: Pool
) -> None:
    """One at a time; whoever moves the recording has answered, and the contributor hears of it."""
    data = new_speech()
    await taken(contributor, campaign, data, place)
    second = await taken(contributor, campaign, copied(data), place)
    url = f"/v1/recordings/{second}/disputes"

    opened = await contributor.post(url, json={"text": "These are two takes."})
    again = await contributor.post(url, json={"text": "Really."})
    async with transaction(database) as connection:
        await move(connection, UUID(second), "accepted", by="operator", because="You are right.")

    dispute = (await contributor.get(url)).json()["data"][0]
    assert (201, "open", "already-sent") == (opened.status_code, opened.json()["state"], opened.json()["because"])
    assert (409, "/problems/dispute-open") == (again.status_code, again.json()["type"])
    assert ("answered", "accepted", "You are right.") == (dispute["state"], dispute["outcome"], dispute["answer"])
    story = (await contributor.get(f"/v1/recordings/{second}")).json()["events"]
    assert "dispute.answered" in {event["kind"] for event in story}


async def test_a_deleted_recording_leaves_no_fingerprint(
    contributor: Client, campaign: Campaign, place: Workplace, database: Pool
) -> None:
    """At once: the next copy of it is a new recording."""
    data = new_speech()
    first = await taken(contributor, campaign, data, place)
    second = await taken(contributor, campaign, copied(data), place)
    assert 204 == (await contributor.delete(f"/v1/recordings/{second}")).status_code
    async with transaction(database) as connection:
        await fingerprints.forget(connection, UUID(first))

    third = await taken(contributor, campaign, copied(copied(data)), place)

    async with transaction(database) as connection:
        cursor = await connection.execute(
            "SELECT count(*) FROM fingerprints WHERE recording_id = ANY(%s)", ([UUID(first), UUID(second)],)
        )
        assert (0,) == await cursor.fetchone()
    assert ("accepted", "passed") == await stands(contributor, third)


def likely(kind: str, account: UUID | None, video: bytes | None = None, **more: Any) -> Likely:
    """A match with a recording of somebody."""
    span = Aligned(Span(0, 10), Span(0, 10))
    values = {"verdict": "duplicate", "strength": 20.0, "threshold": 12.0, "covered": 1.0} | more
    match = Match(1, kind, spans=(span,), transformation=Transformation(), version=1, **values)  # type: ignore[arg-type]
    return Likely(match, Held(1, VERSION, b"", 10, None, video, UUID(int=9), None, account, "accepted"))


class Film:
    """Stands for fingerprints of a film with enough to see."""

    enough = True
    video: Any = None


ME = UUID(int=1)


@pytest.mark.parametrize(
    ("found", "film", "expected"),
    [
        ([likely("audio", ME)], False, "already_sent"),
        ([likely("audio", ME, covered=0.02)], False, ""),
        ([likely("audio", ME, verdict="alike")], False, "doubtful"),
        ([likely("audio", UUID(int=2), covered=0.02)], False, "of_another"),
        ([likely("audio", ME, b"film")], True, "same_event"),
        ([likely("audio", ME, b"film"), likely("video", ME, b"film")], True, "already_sent"),
        ([likely("video", ME, verdict="alike", strength=0.2)], True, ""),
        ([likely("video", UUID(int=2), verdict="alike", strength=0.2)], True, ""),
        ([likely("video", UUID(int=2), verdict="alike", strength=0.44)], True, "of_another"),
    ],
)
def test_what_a_match_means(found: list[Likely], film: bool, expected: str) -> None:
    """A jingle, one place on two days, two phones at one event: none of them is a copy."""
    prints: Any = Film()
    prints.video = Film() if film else None

    seen = likeness(Compared(prints, tuple(found), 0), ME, UUID(int=7), "video")

    told = ("already_sent", "same_event", "of_another", "of_public_work", "doubtful", "not_enough")
    assert expected == ",".join(name for name in told if getattr(seen, name))


async def test_a_list_of_key_frames_that_thousands_fill_gives_its_first_rows_only(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """The same film again and again, or one that was made for it, costs no more than any other."""
    recordings = [await submit(contributor, campaign, new_speech()) for _ in range(2)]
    crowd = [KeyFrame(number, [5, 6, 7]) for number in range(400)]
    async with transaction(database) as connection:
        for number, recording in enumerate(recordings):
            await fingerprints.keep(connection, Subject(UUID(recording)), kept(recording, crowd[: 400 - number]), ONE)

        votes = await fingerprints.pictures_alike(connection, 1, [5, 6, 7, 8], [0, 0, 0, 1], 1000)

    assert fingerprints.LONGEST_LIST >= len(votes) > 0
    assert {3} == {vote.votes for vote in votes}


ONE: dict[fingerprints.Media, int] = {"audio": VERSIONS["audio"], "video": VERSIONS["video"]}
#: A word that no recording of these tests has, because it belongs to no landmarks that a fan can hold.
UNHEARD = 2_000_000_000


def unheard(recording: str) -> int:
    """A word of a recording's own, with room for some more behind it."""
    return UNHEARD + int(UUID(recording)) % 100_000_000


def kept(recording: str, pictures: list[KeyFrame], sounds: Heard | None = None) -> Fingerprint:
    """A fingerprint to keep that holds nothing but words."""
    content = hashlib.sha256(recording.encode()).digest()
    return Fingerprint(VERSION, content, 10.0, None, None, sounds or Heard([], []), pictures)


async def listed(database: Pool, word: int) -> list[tuple[int, int]]:
    """The postings of a word of sound: number of the fingerprint, place. It is the last one of three parts."""
    asked = np.arange(word - 2 * TOGETHER, word + 1)
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        lists = sound_lists.sounds_alike(connection, VERSIONS["audio"], sent(asked))
    found = read(lists).postings(np.array([word]))
    return list(zip(found.recording.tolist(), found.place.tolist(), strict=True))


async def test_lists_of_sound_follow_what_is_kept_and_deleted(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """In the same transaction, whoever deletes it and however; what others posted stays."""
    recordings = [await submit(contributor, campaign, new_speech()) for _ in range(2)]
    word = unheard(recordings[0])
    numbers = []
    for recording in recordings:
        async with transaction(database) as connection:
            posted = kept(recording, [], Heard([word, word], [7, 2**31 - 1]))
            numbers.append(await fingerprints.keep(connection, Subject(UUID(recording)), posted, ONE))
    before = await listed(database, word)

    async with transaction(database) as connection:
        await fingerprints.forget(connection, UUID(recordings[0]))
    between = await listed(database, word)
    async with transaction(database) as connection:
        await fingerprints.forget(connection, UUID(recordings[1]))

    assert [(number, place) for number in numbers for place in (7, 2**31 - 1)] == before
    assert [(numbers[1], 7), (numbers[1], 2**31 - 1)] == between
    assert [] == await listed(database, word)


#: Pages of a list of sound, postings of a page.
PAGES, PAGE = 4, 1000


async def test_a_list_of_sound_that_is_full_goes_on_on_another_page(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """On the first page with room, and on the first that is missing; what was full before goes on as well."""
    recording = await submit(contributor, campaign, new_speech())
    first = unheard(recording)
    full = [list_of(first, np.arange(PAGE), 1000, 0), list_of(first, np.arange(PAGE), 0, 2)]
    full += [list_of(first + 1, np.arange(PAGE), 0, 0), list_of(first + 1, np.arange(10), 0, 1)]
    async with transaction(database) as connection:
        await insert(connection, full)
        posted = kept(recording, [], Heard([first, first + 1], [7, 7]))
        number = await fingerprints.keep(connection, Subject(UUID(recording)), posted, ONE)

    with_it = await pages(database, first, number)
    found = await listed(database, first)
    async with transaction(database) as connection:
        await fingerprints.forget(connection, UUID(recording))
    without_it = await pages(database, first, number)
    async with transaction(database) as connection:
        await connection.execute("DELETE FROM sound_lists WHERE word BETWEEN %s AND %s", (first, first + 1))

    assert [(0, PAGE, False), (1, 1, True), (2, PAGE, False), (0, PAGE, False), (1, 11, True)] == with_it
    assert 2 * PAGE + 1 == len(found)
    assert (number, 7) in found
    assert [(0, PAGE, False), (2, PAGE, False), (0, PAGE, False), (1, 10, False)] == without_it


async def test_whoever_comes_first_and_last_to_a_list_of_sound_is_listed(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """The same postings in whatever order: the same list."""
    recordings = [await submit(contributor, campaign, new_speech()) for _ in range(3)]
    found = []
    for order in ([0, 1, 2], [2, 0, 1]):
        word = unheard(recordings[order[0]])
        async with transaction(database) as connection:
            await insert(connection, [list_of(word, np.arange(PAGE - 2), 0, 0)])
        for one in order:
            posted = kept(recordings[one], [], Heard([word] * 2, [one, 10 + one]))
            async with transaction(database) as connection:
                await fingerprints.keep(connection, Subject(UUID(recordings[one])), posted, ONE)
        found.append(sorted(place for number, place in await listed(database, word) if number > 0))
        async with transaction(database) as connection:
            for recording in recordings:
                await fingerprints.forget(connection, UUID(recording))
            await connection.execute("DELETE FROM sound_lists WHERE word = %s", (word,))

    assert [[0, 1, 2, 10, 11, 12]] * 2 == found


async def test_a_list_of_sound_whose_pages_are_full_gives_everybody_a_fair_share(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """Of sixty words that 8,000 others have, a newcomer is posted at about half; no page grows, and it can leave."""
    recording = await submit(contributor, campaign, new_speech())
    first = unheard(recording)
    words = range(first, first + 60)
    full = [list_of(word, np.arange(PAGE), 1000, page) for word in words for page in range(PAGES)]
    async with transaction(database) as connection:
        await insert(connection, full)
        posted = kept(recording, [], Heard(list(words), [7] * 60))
        number = await fingerprints.keep(connection, Subject(UUID(recording)), posted, ONE)

    with_it = await pages(database, first, number)
    async with transaction(database) as connection:
        await fingerprints.forget(connection, UUID(recording))
    without_it = await pages(database, first, number)
    async with transaction(database) as connection:
        await connection.execute("DELETE FROM sound_lists WHERE word BETWEEN %s AND %s", (first, first + 59))

    where = {page for page, _, held in with_it if held}
    assert 8 < sum(held for *_, held in with_it) < 52
    assert len(with_it) == 60 * PAGES
    assert {PAGE} == {size for _, size, _ in with_it}
    assert 2 < len(where)
    assert {PAGE, PAGE - 1} == {size for _, size, _ in without_it}
    assert not any(held for *_, held in without_it)


async def insert(connection: Connection, rows: list[tuple[int, int, bytes, int, int]]) -> None:
    """Write pages of lists of sound as they are."""
    async with connection.cursor() as cursor:
        await cursor.executemany("INSERT INTO sound_lists VALUES (%s, %s, %s, %s, %s)", rows)


def list_of(word: int, numbers: np.ndarray, left_out: int, page: int) -> tuple[int, int, bytes, int, int]:
    """A page of a list of sounds, with one posting of each number, none of which is a fingerprint's."""
    postings = np.stack([-1 - numbers, numbers], axis=1).astype(">i4").tobytes()
    return VERSIONS["audio"], word, postings, left_out, page


async def pages(database: Pool, first: int, number: int) -> list[tuple[int, int, bool]]:
    """Of sixty words the number of each page, how many postings it has, and whether a fingerprint is among them."""
    async with transaction(database) as connection:
        cursor = await connection.execute(
            "SELECT page, postings FROM sound_lists WHERE word BETWEEN %s AND %s ORDER BY word, page",
            (first, first + 59),
        )
        rows = await cursor.fetchall()
    return [(page, len(held) // 8, number in np.frombuffer(held, ">i4")[::2]) for page, held in rows]


async def test_a_list_of_sound_is_left_by_whoever_is_deleted_alone(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """A number that happens to lie across two others is nobody's, and all of one's own postings go."""
    recording = await submit(contributor, campaign, new_speech())
    word = unheard(recording)
    async with transaction(database) as connection:
        posted = kept(recording, [], Heard([word] * 3, [1, 2, 3]))
        number = await fingerprints.keep(connection, Subject(UUID(recording)), posted, ONE)
    across = bytes(1) + number.to_bytes(4) + bytes(3) + np.array([1, number], ">i4").tobytes()
    async with transaction(database) as connection:
        await connection.execute("UPDATE sound_lists SET postings = %s || postings WHERE word = %s", (across, word))
        await fingerprints.forget(connection, UUID(recording))

    left = await listed(database, word)
    async with transaction(database) as connection:
        await connection.execute("DELETE FROM sound_lists WHERE word = %s", (word,))

    assert [tuple(posting) for posting in np.frombuffer(across, ">i4").reshape(-1, 2).tolist()] == left


async def test_where_words_lie_is_forgotten_after_a_day(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """The lists know it; whoever is deleted later leaves them all the same."""
    recording = await submit(contributor, campaign, new_speech())
    word = unheard(recording)
    async with transaction(database) as connection:
        posted = kept(recording, [], Heard([word], [7]))
        number = await fingerprints.keep(connection, Subject(UUID(recording)), posted, ONE)
        await fingerprints.forget_places(connection)
        young = await fingerprints.sounds(connection, [number])
        await connection.execute(
            "UPDATE fingerprints SET made_at = now() - interval '25 hours' WHERE number = %s", (number,)
        )
        await fingerprints.forget_places(connection)
        old = await fingerprints.sounds(connection, [number])
    still = await listed(database, word)
    async with transaction(database) as connection:
        await fingerprints.forget(connection, UUID(recording))

    assert [Sound(number, [word], [7])] == young
    assert [] == old
    assert [(number, 7)] == still
    assert [] == await listed(database, word)
