"""Every setting of the service: its environment variable, its default and what it means.

The struct is the whole table: the process reads it at start, `companion doctor` and the README print it, and a value
that cannot be used ends the process with one sentence instead of an error at the first request.
"""

import base64
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from storage.master_key import MasterKey


class SettingsInvalid(ValueError):
    """A setting is missing or cannot be used."""


class Settings(Struct, frozen=True, kw_only=True):
    """What an operator decides; everything else is decided in the code."""

    database_url: Annotated[
        str, Meta(min_length=1, description="PostgreSQL of the service's own role, as a libpq URL.")
    ] = field(name="DATABASE_URL")
    migration_database_url: Annotated[
        str, Meta(description="PostgreSQL of the schema's owner, for `companion migrate`; as DATABASE_URL when empty.")
    ] = field(name="MIGRATION_DATABASE_URL", default="")
    s3_endpoint: Annotated[
        str, Meta(pattern="^https?://", description="Any S3: scheme, host and port, such as http://127.0.0.1:8333.")
    ] = field(name="S3_ENDPOINT")
    s3_access_key: Annotated[str, Meta(min_length=1, description="Access key of the bucket.")] = field(
        name="S3_ACCESS_KEY"
    )
    s3_secret_key: Annotated[str, Meta(min_length=1, description="Secret key of the bucket.")] = field(
        name="S3_SECRET_KEY"
    )
    s3_bucket: Annotated[str, Meta(min_length=3, description="Bucket for quarantined and final recordings.")] = field(
        name="S3_BUCKET", default="companion"
    )
    s3_region: Annotated[str, Meta(description="Region of the bucket.")] = field(name="S3_REGION", default="us-east-1")
    s3_public_endpoint: Annotated[
        str,
        Meta(
            pattern="^(https?://[^/]+)?$",
            description="How phones reach the object store themselves; when empty, all bytes pass through the API.",
        ),
    ] = field(name="S3_PUBLIC_ENDPOINT", default="")
    store_folder: Annotated[
        str,
        Meta(
            description="Where the object store's data lie on this machine; `companion run` sets it for its own store. "
            "Its disk's free space is watched, and synced before a custody receipt."
        ),
    ] = field(name="COMPANION_STORE_FOLDER", default="")
    keep_free: Annotated[
        int, Meta(ge=0, description="Bytes that stay free on that disk; 0 means 5 GB or a tenth of it, what is more.")
    ] = field(name="COMPANION_KEEP_FREE", default=0)
    master_key: Annotated[
        bytes,
        Meta(
            min_length=32,
            max_length=32,
            description="32 random bytes in base64. Wraps every contributor's key and signs short-lived media links.",
        ),
    ] = field(name="COMPANION_MASTER_KEY")
    master_key_before: Annotated[
        str,
        Meta(
            pattern=r"^([A-Za-z0-9+/]{43}=)?\Z",
            description="While the master key is being replaced: the one before it (docs/operations.md).",
        ),
    ] = field(name="COMPANION_MASTER_KEY_BEFORE", default="")
    host: Annotated[str, Meta(description="Address to listen on.")] = field(name="COMPANION_HOST", default="127.0.0.1")
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on.")] = field(
        name="COMPANION_PORT", default=8000
    )
    public_url: Annotated[
        str,
        Meta(
            pattern="^(https?://[^/]+.*[^/])?$",
            description="How phones reach the service, without a final slash; taken from each request when empty.",
        ),
    ] = field(name="COMPANION_PUBLIC_URL", default="")
    trusted_proxies: Annotated[
        str,
        Meta(description="Comma-separated addresses of proxies whose X-Forwarded-For and -Proto are believed."),
    ] = field(name="COMPANION_TRUSTED_PROXIES", default="")
    cors_origins: Annotated[
        str,
        Meta(description="Comma-separated web origins that may call the API; there are no cookies to steal."),
    ] = field(name="COMPANION_CORS_ORIGINS", default="*")
    data: Annotated[
        str, Meta(description="Directory of the embedded engines and of the worker's scratch space; chosen when empty.")
    ] = field(name="COMPANION_DATA", default="")
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="How much is written to the log: debug, info, warning or error."),
    ] = field(name="COMPANION_LOG_LEVEL", default="info")
    claim_days: Annotated[
        int, Meta(ge=1, le=365, description="Days after which a claim without all of its bytes expires.")
    ] = field(name="COMPANION_CLAIM_DAYS", default=7)
    uploads_at_once: Annotated[int, Meta(ge=1, le=100, description="Uploads one account may write at once.")] = field(
        name="COMPANION_UPLOADS_AT_ONCE", default=3
    )
    daily_bytes: Annotated[int, Meta(ge=1, description="Bytes one account may claim within 24 hours.")] = field(
        name="COMPANION_DAILY_BYTES", default=20_000_000_000
    )
    queued_jobs: Annotated[int, Meta(ge=1, description="Recordings of one account that may wait for validation.")] = (
        field(name="COMPANION_QUEUED_JOBS", default=20)
    )
    sign_ups: Annotated[int, Meta(ge=1, description="Accounts that one network may open within 24 hours.")] = field(
        name="COMPANION_SIGN_UPS", default=1000
    )
    quote_hours: Annotated[
        int, Meta(ge=1, le=720, description="Hours for which a quote binds and keeps a place of its campaign.")
    ] = field(name="COMPANION_QUOTE_HOURS", default=24)
    review_hours: Annotated[
        int,
        Meta(
            ge=1, le=2160, description="Hours for which a person may decide, by a quote; mere doubts are accepted then."
        ),
    ] = field(name="COMPANION_REVIEW_HOURS", default=72)
    webhooks_anywhere: Annotated[
        bool, Meta(description="`1` lets webhooks lead to private addresses and plain HTTP; for development.")
    ] = field(name="COMPANION_WEBHOOKS_ANYWHERE", default=False)
    push_contact: Annotated[
        str,
        Meta(
            pattern=r"^((mailto:|https://).+)?$",
            description="Where push services reach whoever runs this service, as `mailto:` or `https:`; the public "
            "address when empty.",
        ),
    ] = field(name="COMPANION_PUSH_CONTACT", default="")

    payout_minimum: Annotated[
        int,
        Meta(ge=0, description="The smallest payout, in whole units of its currency; less where a term sheet says so."),
    ] = field(name="COMPANION_PAYOUT_MINIMUM", default=5)
    destination_hours: Annotated[
        int, Meta(ge=0, le=720, description="Hours before a new payout destination can be used.")
    ] = field(name="COMPANION_DESTINATION_HOURS", default=24)
    payout_debtor: Annotated[
        str,
        Meta(
            description="Who pays, for SEPA files: name, IBAN and BIC, separated by `/`, as in `Ours Ltd/DE…/COBADEFF`."
        ),
    ] = field(name="COMPANION_PAYOUT_DEBTOR", default="")
    payout_provider_url: Annotated[
        str,
        Meta(pattern="^(https?://.*[^/])?$", description="Payment provider's address; SEPA files by hand when empty."),
    ] = field(name="COMPANION_PAYOUT_PROVIDER_URL", default="")
    payout_provider_currencies: Annotated[
        str,
        Meta(
            pattern="^[A-Z]{3}( [A-Z]{3})*$",
            description="What the payment provider pays to bank accounts, separated by spaces; SEPA files are in EUR.",
        ),
    ] = field(name="COMPANION_PAYOUT_PROVIDER_CURRENCIES", default="EUR")
    payout_provider_secret: Annotated[
        str, Meta(description="Standard Webhooks secret (`whsec_…`) shared with the payment provider.")
    ] = field(name="COMPANION_PAYOUT_PROVIDER_SECRET", default="")

    requests_at_once: Annotated[int, Meta(ge=1, description="Requests one API process works on at the same time.")] = (
        field(name="COMPANION_REQUESTS_AT_ONCE", default=8)
    )
    requests_waiting: Annotated[
        int, Meta(ge=0, description="Requests that may wait for that; whoever comes then is asked to come back.")
    ] = field(name="COMPANION_REQUESTS_WAITING", default=64)
    transfers_at_once: Annotated[
        int, Meta(ge=1, description="Uploads that may send bytes to one API process at the same time.")
    ] = field(name="COMPANION_TRANSFERS_AT_ONCE", default=64)
    intake_lag_s: Annotated[
        int, Meta(ge=1, description="No new recordings are claimed while one waits longer than this to be examined.")
    ] = field(name="COMPANION_INTAKE_LAG_S", default=900)
    metrics_token: Annotated[
        str, Meta(description="Bearer token that `/metrics` asks for; when empty, it answers on this machine only.")
    ] = field(name="COMPANION_METRICS_TOKEN", default="")

    def __post_init__(self) -> None:
        """Let the master key know the one that it replaces."""
        before = base64.b64decode(self.master_key_before) or None
        msgspec.structs.force_setattr(self, "master_key", MasterKey.replacing(self.master_key, before))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; an empty variable counts as not set. Raises SettingsInvalid with one clear sentence."""
        names = {setting.encode_name for setting in msgspec.structs.fields(cls)}
        given = {name: value for name, value in environment.items() if name in names and value}
        try:
            return msgspec.convert(given, cls, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsInvalid(_sentence(str(error))) from None


def check(environment: Mapping[str, str]) -> None:
    """Refuse what cannot be used, before `companion run` fills in how its own engines are reached.

    Raises SettingsInvalid.
    """
    given = {name: value for name, value in environment.items() if value}
    own = [engine for engine in (POSTGRES, STORE) if next(iter(engine)) not in given]
    made = {name: value for engine in own for name, value in engine.items()}
    # It makes a key only where everything is its own.
    Settings.from_environment({**made, **(KEY if len(own) == len((POSTGRES, STORE)) else {}), **given})


#: What stands for the engines, and for the key, while they are still to come.
POSTGRES = {"DATABASE_URL": "postgresql:///companion"}
STORE = {"S3_ENDPOINT": "http://127.0.0.1", "S3_ACCESS_KEY": "companion", "S3_SECRET_KEY": "companion"}
KEY = {"COMPANION_MASTER_KEY": "A" * 43 + "="}


def _sentence(error: str) -> str:
    """Name the variable; never repeat its value, which may be a secret."""
    what, _, where = error.partition(" - at `$.")
    if where:
        return f"{where.removesuffix('`')} cannot be used: {what[:1].lower()}{what[1:]}."
    return f"{error.partition('`')[2].rstrip('`')} is not set."


class Setting(Struct, frozen=True):
    """One row of the settings' table; a default of None means that there must be a value."""

    variable: str
    default: str | None
    meaning: str


def documented() -> list[Setting]:
    """List every setting in the order of the struct, for the README, for `companion doctor` and for tests."""
    rows = []
    for setting in msgspec.structs.fields(Settings):
        meta = setting.type.__metadata__[0]
        default = None if setting.default is msgspec.NODEFAULT else str(setting.default)
        rows.append(Setting(setting.encode_name, default, meta.description))
    return rows
