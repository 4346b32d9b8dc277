"""Comparing a new recording with everything that is held: the index answers words, a thread of the worker decides.

Nothing is decoded here: the fingerprints came out of the sandbox and were parsed strictly, those that are held are our
own. What was kept while this recording was being compared is compared under the lock that lets one fingerprint in at a
time, so that of two copies that arrive at the same instant the second one sees the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from anyio import CapacityLimiter, from_thread, to_thread
from msgspec import Struct

from api.decision import Likeness
from capture_validation.duplicates import audio, recording, video
from capture_validation.duplicates.audio import AudioFingerprint, StoredAudio
from capture_validation.duplicates.audio_match import match_audio
from capture_validation.duplicates.audio_words import Words, triples, words
from capture_validation.duplicates.evidence import Aligned, Match, Transformation
from capture_validation.duplicates.lists import Integers, Lists
from capture_validation.duplicates.memory import MemoryIndex
from capture_validation.duplicates.nomination import picture_question
from capture_validation.duplicates.recording import Fingerprints
from capture_validation.duplicates.video import VideoFingerprint
from capture_validation.duplicates.video_match import MOST, match_video
from capture_validation.duplicates.visual_words import posted
from capture_validation.report import Span
from storage import fingerprints, sound_lists
from storage.database import Connection, Pool, Reader, Readers, lent, reading, transaction
from storage.fingerprints import Fingerprint, Heard, Held, KeyFrame, Media, Sound, Vote
from storage.matches import NewMatch

VERSIONS: dict[Media, int] = {"audio": audio.VERSION, "video": video.VERSION}
#: Key frames that a film nominates at most.
MOST_ROWS = 80
#: One recording posts a word so often at most: a file that was made to fill a list fills no more of it than this.
OFTEN = 4
#: Fingerprints that came in meanwhile and are compared at a time; when fewer are left, the last ones under the lock.
BATCH = 20
#: An own recording in one of these states is one that the contributor has sent already; the others were let go of. What
#: was withdrawn keeps its pay: sent again and again, it would be paid again and again.
SENT = frozenset({"needs_consent", "in_review", "accepted", "held", "withdrawn"})
#: Less than this share of a new recording is a jingle or a passage, shown to its owner and no reason to send it back.
WORTH_MENDING = 0.1
#: Motions of one place that agree less than this are of different days; see docs/duplicates.md for strangers.
DOUBTFUL_MOTION = 0.38
#: Quiet is what an ambient recording is about: it is not looked at by a person for having little to compare.
MAY_BE_QUIET = frozenset({"ambient"})


class Likely(Struct, frozen=True):
    """A match, and the fingerprint it is with."""

    match: Match
    held: Held


class Compared(Struct, frozen=True):
    """What was found among all fingerprints up to number `seen`."""

    prints: Fingerprints
    found: tuple[Likely, ...]
    seen: int


async def compare(
    database: Pool, readers: Readers, prints: Fingerprints, limiter: CapacityLimiter | None = None
) -> Compared:
    """Compare a new recording with everything that is held."""
    async with transaction(database) as connection:
        seen = await fingerprints.newest(connection)
        exact = await fingerprints.same_content(connection, bytes.fromhex(prints.content))
        common = np.array(await fingerprints.common(connection, video.VERSION), np.int64)
    index = Index(database, readers, common)
    matches = await to_thread.run_sync(index.matches, prints, limiter=limiter)
    found = [Likely(whole(prints, held), held) for held in exact]
    same = {likely.held.number for likely in found}
    found += [Likely(match, index.held[match.recording]) for match in matches if match.recording not in same]
    return Compared(prints, tuple(found), seen)


async def catch_up(database: Pool, compared: Compared) -> Compared:
    """Compare with what came in meanwhile, until little is left for the moment in which everybody waits."""
    while True:
        async with transaction(database) as connection:
            newer = await fingerprints.since(connection, compared.seen, recording.VERSION, BATCH)
            if len(newer) < BATCH:
                return compared
            compared = await _with(connection, compared, newer)


async def settle(connection: Connection, compared: Compared) -> Compared:
    """Compare with the last ones under the lock; from here to the end of the transaction nobody else comes in."""
    await fingerprints.lock(connection)
    newer = await fingerprints.since(connection, compared.seen, recording.VERSION, 10 * BATCH)
    return await _with(connection, compared, newer) if newer else compared


async def count_common(database: Pool) -> None:
    """Count which words of pictures many share, by the clock: questions ask for rarer ones first."""
    async with transaction(database) as connection:
        await fingerprints.count_common(connection, video.VERSION)


async def _with(connection: Connection, compared: Compared, newer: Sequence[Held]) -> Compared:
    heard = await fingerprints.sounds(connection, [held.number for held in newer])
    found = await to_thread.run_sync(closely, compared.prints, newer, heard)
    by_number = {held.number: held for held in newer}
    likely = tuple(Likely(match, by_number[match.recording]) for match in found)
    return Compared(compared.prints, compared.found + likely, newer[-1].number)


class Sounds:
    """The index of sounds as the comparison of one new recording sees it, in a thread that has its own connection.

    Everything that is read is waited for in one call: see `storage.database.readers`.
    """

    def __init__(self, connection: Reader) -> None:
        self._connection = connection
        self._held: dict[int, StoredAudio] = {}

    def find(self, asked: Integers) -> Lists:
        """The lists of the words of sound asked for, each once."""
        return read(sound_lists.sounds_alike(self._connection, audio.VERSION, sent(asked)))

    def held(self, numbers: Iterable[int]) -> Mapping[int, StoredAudio]:
        """What is kept of the sound of recordings; nothing of those that were deleted meanwhile."""
        if missing := sorted(set(numbers) - self._held.keys()):
            for one in sound_lists.textures(self._connection, sent(np.array(missing))):
                self._held[one.number] = StoredAudio.from_bytes(one.audio)
        return self._held


class Index:
    """The index in the database as the comparison sees it, for one new recording, in a thread of the worker."""

    def __init__(self, database: Pool, readers: Readers, common: Integers) -> None:
        self.held: dict[int, Held] = {}
        self._database = database
        self._readers = readers
        self._common = common

    def matches(self, prints: Fingerprints) -> list[Match]:
        """What the new recording shares with held ones that are not deleted meanwhile.

        Runs in a thread, and asks the database through the loop for pictures and for whose something is.
        """
        found: list[Match] = []
        if prints.audio:
            with lent(self._readers) as connection:
                sounds = Sounds(connection)
                found = match_audio(prints.audio, sounds.find, sounds.held)
        found += self._pictures(prints.video) if prints.video else []
        self._fetch(match.recording for match in found)
        return [match for match in found if match.recording in self.held]

    def _pictures(self, new: VideoFingerprint) -> list[Match]:
        asked = picture_question(new, self._common)
        total: Counter[int] = Counter()
        for vote in from_thread.run(self._ask, asked.word.tolist(), asked.group.tolist()):
            total[vote.fingerprint] += vote.votes
        self._fetch({number for number, _ in total.most_common(MOST)})
        return closely_seen(new, {number: self.held[number] for number in total if number in self.held})

    async def _ask(self, asked: list[int], groups: list[int]) -> list[Vote]:
        async with transaction(self._database) as connection:
            return await fingerprints.pictures_alike(connection, video.VERSION, asked, groups, MOST_ROWS)

    def _fetch(self, numbers: Iterable[int]) -> None:
        missing = sorted(set(numbers) - self.held.keys())
        if missing:
            self.held |= {held.number: held for held in from_thread.run(self._fetch_held, missing)}

    async def _fetch_held(self, numbers: list[int]) -> list[Held]:
        async with reading(self._database) as connection:
            return await fingerprints.held(connection, numbers)


def sent(numbers: Integers) -> bytes:
    """Integers as the database is sent them."""
    return numbers.astype(">i4").tobytes()


def read(answer: Sequence[sound_lists.Lists]) -> Lists:
    """The answer of the database as it lies; it may have no parts."""
    heads = np.frombuffer(b"".join([one.heads for one in answer]), ">i4").reshape(-1, 2)
    word, size = np.ascontiguousarray(heads.T, np.int64)
    return Lists(word, size, tuple(np.frombuffer(one.postings, ">i4").reshape(-1, 2) for one in answer))


def closely(prints: Fingerprints, newer: Sequence[Held], heard: Sequence[Sound]) -> list[Match]:
    """Compare with a few recordings, all of their words at hand."""
    held = {one.number: one for one in newer}
    same = [one for one in newer if one.content.hex() == prints.content]
    found = [whole(prints, one) for one in same]
    if prints.audio:
        kept = {number: StoredAudio.from_bytes(one.audio) for number, one in held.items() if one.audio}
        index = MemoryIndex()
        for one in heard:
            index.post(one.number, Words(np.array(one.words, np.int64), np.array(one.places, np.int64)))
        found += match_audio(prints.audio, index.find, lambda _: kept)
    if prints.video:
        found += closely_seen(prints.video, held)
    exact = {one.number for one in same}
    return [match for match in found if match.kind == "content" or match.recording not in exact]


def closely_seen(new: VideoFingerprint, held: dict[int, Held]) -> list[Match]:
    """Compare pictures with those of a few recordings."""
    kept = {number: VideoFingerprint.from_bytes(one.video) for number, one in held.items() if one.video}
    index = MemoryIndex()
    for number, one in kept.items():
        index.post(number, posted(one))
    return match_video(new, index.find, kept.__getitem__)


def whole(prints: Fingerprints, held: Held) -> Match:
    """The match of a recording whose coded sound and picture are the same bytes."""
    spans = (Aligned(Span(0.0, round(prints.seconds, 2)), Span(0.0, round(held.seconds, 2))),)
    return Match(held.number, "content", "duplicate", 1.0, 1.0, 1.0, spans, Transformation(), recording.VERSION)


def packed(prints: Fingerprints) -> Fingerprint:
    """What is kept of a recording: packed fingerprints, and the words that it is found by."""
    film = prints.video.stored() if prints.video else None
    return Fingerprint(
        recording.VERSION,
        bytes.fromhex(prints.content),
        prints.seconds,
        prints.audio.stored().to_bytes() if prints.audio else None,
        film.to_bytes() if film else None,
        heard(prints.audio) if prints.audio else Heard([], []),
        key_frames(film) if film else [],
    )


def heard(sound: AudioFingerprint) -> Heard:
    """The words to post of a recording, its first ones of each kind."""
    own = words(triples(sound.peaks)).first(OFTEN)
    return Heard(own.word.tolist(), own.place.tolist())


def key_frames(film: VideoFingerprint) -> list[KeyFrame]:
    """The words of each kept key frame."""
    seen = posted(film)
    return [KeyFrame(int(key), seen.word[seen.place == key].tolist()) for key in np.unique(seen.place)]


def likeness(compared: Compared, account: UUID, own_recording: UUID, profile: str) -> Likeness:
    """What the comparison means for the decision about a contributor's recording."""
    others = [one for one in compared.found if one.held.recording_id != own_recording and not only_the_place(one.match)]
    own = [one for one in others if one.held.account_id == account and one.held.state in SENT]
    same = [one for one in own if one.match.verdict == "duplicate" and one.match.covered >= WORTH_MENDING]
    events = {one.held.number for one in same if same_event(one, same, compared.prints)}
    return Likeness(
        already_sent=any(one.held.number not in events for one in same),
        same_event=bool(events),
        of_another=any(one.held.account_id not in (account, None) for one in others),
        of_public_work=any(one.held.public_work_id is not None for one in others),
        doubtful=any(one.match.verdict != "duplicate" for one in own),
        not_enough=not compared.prints.enough and profile not in MAY_BE_QUIET,
    )


def only_the_place(match: Match) -> bool:
    """Whether pictures show one place and move differently: that is where somebody lives, and no copy."""
    return match.kind == "video" and match.verdict == "alike" and match.strength < DOUBTFUL_MOTION


def same_event(one: Likely, same: Sequence[Likely], prints: Fingerprints) -> bool:
    """Whether two films share their sound and not their pictures: two phones at one event, and no copy."""
    if one.match.kind != "audio" or prints.video is None or not prints.video.enough or one.held.video is None:
        return False
    return not any(other.held.number == one.held.number and other.match.kind != "audio" for other in same)


def to_keep(compared: Compared, account: UUID, own_recording: UUID) -> list[NewMatch]:
    """The matches as rows; own recordings that were let go of are no match."""
    return [
        NewMatch(one.held.recording_id, one.held.public_work_id, one.held.account_id == account, shown(one.match))
        for one in compared.found
        if one.held.recording_id != own_recording
        and not only_the_place(one.match)
        and (one.held.account_id != account or one.held.state in SENT)
    ]


def shown(match: Match) -> dict[str, Any]:
    """The evidence as JSON; the number of the index means nothing outside."""
    evidence: dict[str, Any] = msgspec.to_builtins(match)
    del evidence["recording"]
    return evidence
