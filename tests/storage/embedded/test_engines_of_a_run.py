"""The engines that every other test relies on."""

import io

import psycopg

from storage.embedded.seaweedfs import S3Settings


def test_the_database_of_a_worker_is_migrated(database_url: str) -> None:
    """The copy carries the template's tables and what the service's role may do with them."""
    with psycopg.connect(database_url) as connection:
        rights = connection.execute(
            "SELECT has_table_privilege('accounts', 'INSERT'), has_table_privilege('accounts', 'TRUNCATE')"
        ).fetchone()

    assert (True, False) == rights


def test_the_bucket_of_a_worker_keeps_bytes(s3: S3Settings) -> None:
    """What is put can be got."""
    client = s3.client()
    client.put_object(bucket_name=s3.bucket, object_name="a", data=io.BytesIO(b"bytes"), length=5)

    with client.get_object(bucket_name=s3.bucket, object_name="a") as answer:
        assert b"bytes" == answer.read()
