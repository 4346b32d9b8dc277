"""A recording with its story, in one question: what an app asks again and again while it shows a recording."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from storage import events, recordings
from storage.database import Connection, one
from storage.errors import RecordingMissing
from storage.events import Event
from storage.recordings import Recording


class Story(Recording, frozen=True):
    """A recording, where its bytes go, when its owner last agreed to the terms, and its events as JSON."""

    upload_id: UUID
    upload_expires_at: datetime
    consent_given_at: datetime | None
    told: str

    @property
    def events(self) -> list[Event]:
        """Every move of it and whatever else happened, oldest first."""
        return msgspec.json.decode(self.told, type=list[Event])


# One statement sees one moment: the newest event is always the move into the state that is shown.
READ = f"""
    SELECT {recordings.COLUMNS}, upload_id, upload_expires_at,
        (SELECT max(given_at) FROM consents WHERE recording_id = %(recording)s) AS consent_given_at,
        (SELECT coalesce(json_agg(story), '[]')::text FROM ({events.OF_RECORDING}) story) AS told
    FROM recordings CROSS JOIN LATERAL (
        SELECT u.id AS upload_id, u.expires_at AS upload_expires_at FROM uploads u WHERE u.recording_id = recordings.id
    ) upload
    WHERE id = %(recording)s AND account_id = %(account)s AND state NOT IN ('deleted', 'erased')
"""


async def read(connection: Connection, account: UUID, recording: UUID) -> Story:
    """Give the contributor's recording with its story. Raises RecordingMissing for anybody else's too."""
    found = await one(connection, Story, READ, account=account, recording=recording)
    if found is None:
        raise RecordingMissing
    return found
