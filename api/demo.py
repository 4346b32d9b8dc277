"""`companion demo`: two real campaigns with their term sheets, and an operator, so that a first visitor has work to do.

Running it again changes nothing, so that `companion run` may run it at every start.
"""

import secrets
from importlib.resources import files

import msgspec

from api.passwords import HASHER
from api.publishing import publish as publish_terms
from api.publishing import shipped
from storage import accounts, campaigns
from storage.database import Connection
from storage.errors import EmailTaken

DATA = files("api") / "demo_data"
CAMPAIGNS = ("read-speech", "street-scenes")
OPERATOR = "operator@companion.example"


async def seed(connection: Connection) -> None:
    """Publish, seed, and print what was made; the operator's password is shown once and kept nowhere."""
    for line in [*await publish(connection), *await operator(connection)]:
        print(line)


async def publish(connection: Connection) -> list[str]:
    """Publish the term sheets that ship and open the demo's campaigns; say what is new."""
    for document in shipped():
        await publish_terms(connection, document)
    made = []
    for name in CAMPAIGNS:
        draft = msgspec.json.decode((DATA / f"campaign-{name}.json").read_bytes(), type=campaigns.Draft)
        campaign = await campaigns.open_campaign(connection, draft)
        if campaign is not None:
            made.append(f"Opened the campaign “{draft.title}”: /v1/campaigns/{campaign}")
    return made


async def operator(connection: Connection) -> list[str]:
    """Open the operator's account, once."""
    if await accounts.credentials(connection, OPERATOR) is not None:
        return []
    password = secrets.token_urlsafe(15)
    try:
        await accounts.create(connection, OPERATOR, HASHER.hash(password), "operator")
    except EmailTaken:
        # Another process was quicker, and has shown its password.
        return []
    return [f"Operator account {OPERATOR}, password {password} (shown only this once)"]
