-- The end of a licence is told to whoever is in it, as its beginning was.
-- depends: 0045.operator_actions

-- Of every sale whose end is still to be told: when that is, and the last recording whose contributor has heard of it.
CREATE TABLE sale_ends (
    sale_id             uuid PRIMARY KEY REFERENCES sales,
    ends_at             timestamptz NOT NULL,
    upto                uuid
);
CREATE INDEX sale_ends_due ON sale_ends (ends_at);
INSERT INTO sale_ends (sale_id, ends_at) SELECT id, ends_at FROM sales WHERE ends_at > now();

CREATE FUNCTION note_sale_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sale_ends (sale_id, ends_at) VALUES (NEW.id, NEW.ends_at);
    RETURN NULL;
END $$;
CREATE TRIGGER sales_end AFTER INSERT ON sales FOR EACH ROW EXECUTE FUNCTION note_sale_end();
