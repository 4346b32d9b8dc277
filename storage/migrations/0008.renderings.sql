-- What was generated from a term sheet, kept as it was first shown.
-- depends: 0005.signing_keys

-- A consent names the card that somebody read. The programs and translations that write cards change; the bytes that
-- were read must not, so they are kept from the first time they are shown, and shown from here ever after.
CREATE TABLE term_sheet_renderings (
    term_sheet_id   text NOT NULL,
    version         int NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('card', 'legal-text', 'legal-pdf', 'odrl', 'rsl')),
    -- A language, or `zxx` (ISO 639-2: no linguistic content) for what machines read.
    locale          text NOT NULL,
    -- Whether a person has compared the wording with the authoritative one; what nobody has reviewed does not bind.
    reviewed        boolean NOT NULL,
    sha256          bytea NOT NULL,
    body            bytea NOT NULL,
    rendered_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (term_sheet_id, version, kind, locale),
    FOREIGN KEY (term_sheet_id, version) REFERENCES term_sheets (id, version),
    CHECK (sha256 = sha256(body))
);
CREATE TRIGGER term_sheet_renderings_append_only BEFORE UPDATE OR DELETE ON term_sheet_renderings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
