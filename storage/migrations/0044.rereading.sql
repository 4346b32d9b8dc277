-- What is stored is read again, a hundredth of it each day: disks forget, and a phone may have deleted its original.
-- depends: 0043.campaign_purposes

-- A row of its own, because a recording that is read again has not moved, and people wait for when it last did.
CREATE TABLE rereadings (
    recording_id        uuid PRIMARY KEY REFERENCES recordings,
    due_at              timestamptz NOT NULL,
    -- When what came back was first not what was stored; null while all is well.
    damaged_at          timestamptz
);
CREATE INDEX rereadings_due ON rereadings (due_at);
INSERT INTO rereadings (recording_id, due_at)
    SELECT id, now() + random() * interval '100 days' FROM recordings
    WHERE secured_at IS NOT NULL AND object_key IS NOT NULL;
