"""An installation from before quotes and receipts: nothing is lost, and everything gets what the new one has."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import psycopg
from yoyo import get_backend, read_migrations

from storage.embedded import postgres
from storage.migrate import MIGRATIONS, migrate, yoyo_url
from tests.engines import Facts

BEFORE = ("0001.accounts", "0002.campaigns", "0003.recordings", "0004.queue", "0005.signing_keys")
OLD = """
    INSERT INTO term_sheets VALUES ('old', 1, sha256('old'), '{"term": {"duration": "P5Y"}, "uses": []}');
    INSERT INTO campaigns (slug, title, brief, media, profile, max_bytes, max_duration_ms, rate_currency, rate_micros,
        rate_per_ms, quota_recordings, term_sheet_id, term_sheet_version)
    VALUES ('old', 'Old', 'Old', 'audio', 'speech', 1, 1, 'EUR', 12, 3600, 10, 'old', 1);
    INSERT INTO accounts (email, password_hash, pseudonym) VALUES ('old@example.org', 'none', 'old');
    INSERT INTO recordings (account_id, campaign_id, sha256, size_bytes, media_type)
        SELECT a.id, c.id, sha256('bytes'), 1, 'audio/wav' FROM accounts a, campaigns c;
    INSERT INTO consents (recording_id, account_id, term_sheet_id, term_sheet_version, term_sheet_sha256, locale,
        decisions)
        SELECT id, account_id, 'old', 1, sha256('old'), 'en', '{"asr": "given", "tts": "refused"}' FROM recordings;
    UPDATE recordings SET state = 'uploading';
    UPDATE recordings SET state = 'validating';
    UPDATE recordings SET state = 'accepted', duration_ms = 1000;
"""


def test_what_was_there_before_has_a_rate_a_standing_consent_and_a_passport(engines: Facts):
    """Filled in by the migrations, and without touching when a recording was last changed."""
    name = f"upgrade_{os.urandom(4).hex()}"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, postgres.created(engines.access, name)).result()
    url = engines.access.url(postgres.OWNER, name)
    with get_backend(yoyo_url(url)) as backend, backend.lock():
        backend.apply_migrations(read_migrations(str(MIGRATIONS)).filter(lambda one: one.id in BEFORE))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(OLD)
        touched = connection.execute("SELECT updated_at FROM recordings").fetchall()

    migrate(url)

    with psycopg.connect(url) as connection:
        pay = connection.execute("SELECT p.* FROM recordings r, terms_of_pay(r.id) p").fetchall()
        uses = connection.execute(
            "SELECT use_code, status, expires_at - changed_at > interval '4 years' FROM consent_uses ORDER BY 1"
        ).fetchall()
        kinds = connection.execute("SELECT number, kind, data FROM passport_entries").fetchall()
        after = connection.execute("SELECT updated_at FROM recordings").fetchall()
    assert [("EUR", 12, 3600, None, "old", 1)] == pay
    assert [("asr", "given", True), ("tts", "refused", True)] == uses
    assert [(1, "passport.opened", {"state": "accepted"})] == kinds
    assert touched == after
