"""What of a report lies in the database in clear, and what its owner sees all the same."""

import os
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from api.glimpses import glimpses, in_clear, with_glimpses
from api.validation import Workplace
from capture_validation.report import MediaFacts, Report, Spectrogram, Still
from storage.database import Pool, transaction
from storage.encryption import seal
from storage.errors import MediaDamaged
from tests.api.taking import examined, speech, submit

REPORT = Report(
    *("0", "video", 1, MediaFacts("mp4", "video/mp4", 1, 3.0), None, ()),
    spectrogram=Spectrogram(0.1, 2, 8000.0, b"\x10\x20"),
    stills=(Still(1.0, 2, 2, b"\x80" * 6, "video.black"),),
)


def test_nothing_to_look_at_is_kept_in_clear():
    """Destroying a contributor's key must leave nothing to see or hear; all else of the report stays as it was."""
    clear = msgspec.convert(in_clear(REPORT), Report)

    assert msgspec.structs.replace(REPORT, spectrogram=None, stills=()) == clear


def test_the_contributor_s_key_gives_back_what_was_seen():
    """The same report, and for no other recording and with no other key."""
    key, recording = os.urandom(32), uuid4()
    clear, sealed = msgspec.convert(in_clear(REPORT), Report), seal(key, recording, glimpses(REPORT))

    assert REPORT == with_glimpses(clear, key, recording, sealed)
    assert clear == with_glimpses(clear, key, recording, None)
    for other_key, other in ((os.urandom(32), recording), (key, uuid4())):
        with pytest.raises(MediaDamaged):
            with_glimpses(clear, other_key, other, sealed)


async def test_the_picture_of_a_report_shows_the_pitches_that_the_database_does_not(
    contributor: httpx.AsyncClient, campaign: dict[str, object], place: Workplace, database: Pool
):
    """The owner's picture is larger by its spectrogram; without the sealed part it can still be drawn."""
    recording = await submit(contributor, campaign, speech())
    await examined(place, contributor, recording)
    whole = await contributor.get(f"/v1/recordings/{recording}/report.png")
    async with transaction(database) as connection:
        row = await connection.execute("SELECT report FROM reports WHERE recording_id = %s", (UUID(recording),))
        assert (await row.fetchone())[0].get("spectrogram") is None
        await connection.execute("UPDATE reports SET glimpses = NULL WHERE recording_id = %s", (UUID(recording),))

    without = await contributor.get(f"/v1/recordings/{recording}/report.png")

    assert (200, 200) == (whole.status_code, without.status_code)
    assert len(without.content) < len(whole.content)
