"""Inverted lists: key frames and words of sound as they are kept, asked for and deleted, and however many have one."""

import hashlib
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import psycopg
from anyio import create_task_group, sleep, to_thread

from api.matching import VERSIONS, read, sent
from capture_validation.duplicates.recording import VERSION
from storage import fingerprints, sound_lists
from storage.database import Connection, Pool, transaction
from storage.fingerprints import Fingerprint, Heard, KeyFrame, Sound, Subject
from storage.sound_lists import TOGETHER
from tests.api.taking import submit
from tests.voices import new_speech

Campaign = dict[str, Any]
Client = httpx.AsyncClient


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
    across = bytes(1) + number.to_bytes(4) + bytes(3) + np.array([number + 1, number], ">i4").tobytes()
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


async def test_lists_are_rebuilt_and_cleaned_while_others_post_and_ask(
    contributor: Client, campaign: Campaign, database: Pool, owner_url: str
) -> None:
    """What an operator types waits for a long question, and nobody waits for it meanwhile."""
    recording = await submit(contributor, campaign, new_speech())
    word = unheard(recording)
    async with create_task_group() as rebuilding:
        with psycopg.connect(owner_url) as asking:
            asking.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            asking.execute("SELECT count(*) FROM sound_lists")
            rebuilding.start_soon(to_thread.run_sync, rebuild, owner_url)
            await rebuilds(owner_url)

            async with transaction(database) as connection:
                await connection.execute("SET LOCAL lock_timeout = '2s'")
                await fingerprints.keep(
                    connection, Subject(UUID(recording)), kept(recording, [], Heard([word], [1])), ONE
                )
            found = await listed(database, word)
            assert await rebuilds(owner_url), "it is still waiting for the question"

    assert [1] == [place for _, place in found]
    assert found == await listed(database, word)


def rebuild(owner_url: str) -> None:
    """What docs/operations.md says: clean, then build every key of the lists anew beside the old ones."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) sound_lists")
        connection.execute("REINDEX TABLE CONCURRENTLY sound_lists")


async def rebuilds(owner_url: str) -> bool:
    """Wait, for some seconds, until a rebuild is held up by somebody's transaction."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'REINDEX%' AND wait_event_type = 'Lock'"
    with psycopg.connect(owner_url, autocommit=True) as watching:
        for _ in range(600):
            if watching.execute(waiting).fetchone() != (0,):
                return True
            await sleep(0.1)
    return False
