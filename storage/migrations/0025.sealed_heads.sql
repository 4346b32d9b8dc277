-- A checkpoint holds the heads of passports while it is written, and each of its leaves then looked for its recording:
-- whoever held that recording and waited for its head waited for ever. The head is a passport's own row, and stays.
-- depends: 0009.licensing

ALTER TABLE checkpoint_leaves DROP CONSTRAINT checkpoint_leaves_recording_id_fkey;
ALTER TABLE checkpoint_leaves ADD FOREIGN KEY (recording_id) REFERENCES passport_heads;
