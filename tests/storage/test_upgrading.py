"""An installation from before quotes and receipts: nothing is lost, and everything gets what the new one has."""

import asyncio
import os
from collections.abc import Callable
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


#: A full list of sounds, as it was before lists had pages, and somebody who comes to it afterwards.
FULL = """
    INSERT INTO sound_lists (version, word, postings, left_out)
        SELECT 2, 5, string_agg(int4send(-n) || int4send(n), ''::bytea), 1000 FROM generate_series(1, 1000) AS n
"""
NEWCOMER = """
    WITH work AS (
        INSERT INTO public_works (id, title, sha256) VALUES (gen_random_uuid(), 'new', sha256('new')) RETURNING id
    )
    INSERT INTO fingerprints (public_work_id, version, content, seconds, words, places)
        SELECT id, 201, sha256('new'), 1, '{5,6}', '{7,8}' FROM work
"""


def test_lists_of_sound_that_were_full_go_on(engines: Facts):
    """They stay as they are, and a newcomer is listed beside them."""
    url = upgrading(engines, lambda migration: migration < "0027")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FULL)
        before = connection.execute("SELECT postings, left_out FROM sound_lists").fetchone()

    migrate(url)

    with psycopg.connect(url) as connection:
        connection.execute(NEWCOMER)
        connection.commit()
        after = connection.execute("SELECT word, page, postings, left_out FROM sound_lists ORDER BY 1, 2").fetchall()
    assert [(5, 0, 8000), (5, 1, 8), (6, 0, 8)] == [(word, page, len(held)) for word, page, held, _ in after]
    assert before == after[0][2:]


def upgrading(engines: Facts, known: Callable[[str], bool]) -> str:
    """The URL of a new database that has these migrations alone."""
    name = f"upgrade_{os.urandom(4).hex()}"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, postgres.created(engines.access, name)).result()
    url = engines.access.url(postgres.OWNER, name)
    with get_backend(yoyo_url(url)) as backend, backend.lock():
        backend.apply_migrations(read_migrations(str(MIGRATIONS)).filter(lambda one: known(one.id)))
    return url


def test_what_was_there_before_has_a_rate_a_standing_consent_and_a_passport(engines: Facts):
    """Filled in by the migrations, and without touching when a recording was last changed."""
    url = upgrading(engines, BEFORE.__contains__)
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
