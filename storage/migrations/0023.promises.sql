-- What a term sheet promises is kept by the service itself.
-- depends: 0009.licensing 0014.renditions 0022.sound_lists

-- What ends by the clock is found by its end.
CREATE INDEX consent_uses_over ON consent_uses (expires_at) WHERE status = 'given';

-- Copies that were made before the sheet's own promises counted (no sound, no plates) are made anew; the one that is
-- there is not handed out meanwhile.
UPDATE privacy p SET version = p.version + 1, due = true, trouble = NULL
    FROM recordings r, consents c, term_sheets s
    WHERE r.id = p.recording_id AND r.state IN ('accepted', 'held') AND r.media_type LIKE 'video/%'
      AND c.id = (SELECT id FROM consents WHERE recording_id = r.id ORDER BY given_at DESC, id DESC LIMIT 1)
      AND s.id = c.term_sheet_id AND s.version = c.term_sheet_version
      AND (s.document #>> '{media,sound}' = 'removed'
        OR NOT (s.document #> '{media,delivered}') ? 'recording');
