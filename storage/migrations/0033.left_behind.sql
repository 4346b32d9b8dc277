-- What a killed process leaves behind: the names that 0004 noted while it ran, and objects that never got a row.
-- depends: 0014.renditions

DROP TABLE IF EXISTS queue_files;

-- An object is noted here before it is written, to be removed unless the transaction that writes its row takes it out.
ALTER TABLE doomed_objects ADD COLUMN due_at timestamptz NOT NULL DEFAULT now();
