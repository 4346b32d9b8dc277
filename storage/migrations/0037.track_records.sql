-- How it went for those who recorded before: for each campaign of each day, and for the whole service, told to anybody.
-- depends: 0016.earnings 0015.withdrawals

-- Events are only ever appended, in the order of their time, so a summary of each range of pages finds a season of them.
CREATE INDEX recording_events_at ON recording_events USING brin (at);

-- Counted over the days that end with `day`; only campaigns of which anything was decided in them have a row.
CREATE TABLE track_records (
    campaign_id         uuid NOT NULL REFERENCES campaigns,
    day                 date NOT NULL,
    accepted            int NOT NULL CHECK (accepted >= 0),
    returned            int NOT NULL CHECK (returned >= 0),
    rejected            int NOT NULL CHECK (rejected >= 0),
    -- Medians: from the last byte to the report, and from the doubt to the person's decision.
    examined_in         interval,
    reviewed            int NOT NULL CHECK (reviewed >= 0),
    reviewed_in         interval,
    -- Of everything that was decided, and what was earned with what of it was accepted.
    recorded_ms         bigint NOT NULL CHECK (recorded_ms >= 0),
    earned_micros       bigint NOT NULL CHECK (earned_micros >= 0),
    PRIMARY KEY (campaign_id, day)
);
CREATE TRIGGER track_records_append_only BEFORE UPDATE OR DELETE ON track_records
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE transparency_reports (
    day                 date PRIMARY KEY,
    made_at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The whole report, as it is published.
    document            jsonb NOT NULL
);
CREATE TRIGGER transparency_reports_append_only BEFORE UPDATE OR DELETE ON transparency_reports
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
