"""Settings: each is documented, and each that cannot be used is named in one sentence."""

import pytest

from api import cli
from api.settings import Settings, SettingsInvalid, documented

GOOD = {
    "DATABASE_URL": "postgresql:///companion",
    "S3_ENDPOINT": "http://127.0.0.1:8333",
    "S3_ACCESS_KEY": "key",
    "S3_SECRET_KEY": "secret",
    "COMPANION_MASTER_KEY": "A" * 43 + "=",
}


def test_what_is_needed_is_enough():
    settings = Settings.from_environment(GOOD)

    assert (8000, "127.0.0.1", 7) == (settings.port, settings.host, settings.claim_days)
    assert 32 == len(settings.master_key)


def test_an_empty_variable_counts_as_not_set():
    """A compose file sets what nobody filled in to an empty string."""
    assert 8000 == Settings.from_environment({**GOOD, "COMPANION_PORT": ""}).port


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_is_named(name: str):
    with pytest.raises(SettingsInvalid, match=f"^{name} is not set.$"):
        Settings.from_environment({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMPANION_PORT", "http"),
        ("COMPANION_PORT", "65536"),
        ("COMPANION_MASTER_KEY", "c2hvcnQ="),
        ("COMPANION_MASTER_KEY", "not base64"),
        ("S3_ENDPOINT", "127.0.0.1:8333"),
        ("COMPANION_PUBLIC_URL", "https://example.org/"),
        ("COMPANION_LOG_LEVEL", "loud"),
        ("COMPANION_CLAIM_DAYS", "0"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_and_not_repeated(name: str, value: str):
    """The sentence ends up in logs, and the value may be a key."""
    with pytest.raises(SettingsInvalid, match=f"^{name} cannot be used: .*[.]$") as raised:
        Settings.from_environment({**GOOD, name: value})

    assert "loud" == value or value not in str(raised.value)


def test_every_setting_is_documented():
    rows = documented()

    assert len(Settings.__struct_fields__) == len(rows)
    assert all(row.meaning.endswith(".") for row in rows)
    assert set(GOOD) == {row.variable for row in rows if row.default is None}


def test_a_command_that_cannot_start_says_why_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Exit status 2 and no traceback."""
    for row in documented():
        monkeypatch.delenv(row.variable, raising=False)

    assert 2 == cli.main(["api"])
    assert "companion: DATABASE_URL is not set.\n" == capsys.readouterr().err


def test_a_file_is_checked_without_a_server(capsys: pytest.CaptureFixture[str]):
    """`companion check` is the library's own command line: it asks for a file and for no setting."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["check", "--help"])

    assert 0 == ended.value.code
    assert "--profile" in capsys.readouterr().out
