-- What the card promises about complaints is kept: an answer by a day, by somebody else, and silence is our loss.
-- depends: 0038.review_promises

-- How soon an objection to a decision about a recording is answered, as the terms say that it is offered under.
CREATE FUNCTION answer_within(recording uuid) RETURNS interval LANGUAGE sql STABLE AS $$
    SELECT coalesce(s.document #>> '{disputes,answer_within}', 'P14D')::interval
    FROM recordings r JOIN campaigns c ON c.id = r.campaign_id LEFT JOIN quotes q ON q.id = r.quote_id
        LEFT JOIN LATERAL (SELECT term_sheet_id, term_sheet_version FROM consents WHERE recording_id = r.id
            ORDER BY given_at DESC, id DESC LIMIT 1) agreed ON true
        JOIN term_sheets s ON s.id = coalesce(agreed.term_sheet_id, q.term_sheet_id, c.term_sheet_id)
            AND s.version = coalesce(agreed.term_sheet_version, q.term_sheet_version, c.term_sheet_version)
    WHERE r.id = recording
$$;
ALTER TABLE disputes ADD COLUMN answer_by timestamptz;
UPDATE disputes SET answer_by = opened_at + answer_within(recording_id);
ALTER TABLE disputes ALTER COLUMN answer_by SET NOT NULL;
CREATE INDEX disputes_due ON disputes (answer_by) WHERE answered_at IS NULL;

-- As before, and its contributor hears of it too where the clock answered.
CREATE OR REPLACE FUNCTION answer_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    answered uuid;
BEGIN
    UPDATE disputes SET answered_at = clock_timestamp(), outcome = NEW.state, answer = NEW.moved_because
        WHERE recording_id = NEW.id AND answered_at IS NULL RETURNING id INTO answered;
    IF answered IS NOT NULL AND NEW.moved_by IN ('operator', 'clock') THEN
        PERFORM tell(NEW.account_id, 'dispute.answered', NEW.id, NEW.moved_by,
                     jsonb_build_object('dispute', answered, 'outcome', NEW.state));
    END IF;
    RETURN NULL;
END $$;

-- Who decided what by hand, for whoever asks later; contributors read the reason, and no name.
CREATE TABLE review_decisions (
    id                  uuid PRIMARY KEY DEFAULT uuidv7(),
    recording_id        uuid NOT NULL REFERENCES recordings,
    reviewer            text NOT NULL CHECK (reviewer <> ''),
    verdict             text NOT NULL CHECK (verdict IN ('accepted', 'rejected', 'needs_fix')),
    at                  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX review_decisions_recording ON review_decisions (recording_id, id DESC);
CREATE TRIGGER review_decisions_append_only BEFORE UPDATE OR DELETE ON review_decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
