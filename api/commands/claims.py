"""`companion claims`: decide what people without an account have said about recordings."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from uuid import UUID

from api.commands.database import in_transaction, sentence
from storage import third_party_claims
from storage.database import Connection
from storage.third_party_claims import Claim


def command(words: Sequence[str]) -> int:
    """Run one of the claims' commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    return in_transaction("claims", lambda connection: DOES[chosen.what](connection, chosen))


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion claims", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="show claims, newest first")
    listing.add_argument("--only", choices=["open", "upheld", "dismissed"], default="open")
    hold = commands.add_parser("hold", help="say which recording is meant, and hold it until the claim is decided")
    hold.add_argument("claim", type=UUID, metavar="ID")
    hold.add_argument("recording", type=UUID, metavar="RECORDING")
    for name, meaning in (
        ("uphold", "the claimant is right: every licence of the recording ends"),
        ("dismiss", "the claimant is wrong: the recording goes on"),
    ):
        decide = commands.add_parser(name, help=meaning)
        decide.add_argument("claim", type=UUID, metavar="ID")
        decide.add_argument("--answer", type=sentence, required=True, help="what the claimant reads")
        if name == "uphold":
            decide.add_argument(
                "--take-back",
                type=sentence,
                metavar="BECAUSE",
                help="take back all that it earned; its contributor reads why",
            )
    return top


async def show(connection: Connection, chosen: argparse.Namespace) -> None:
    """Print claims."""
    for claim in await third_party_claims.listing(connection, state=chosen.only, limit=1000):
        say(claim)


def say(claim: Claim) -> None:
    """Print one claim."""
    about = claim.recording_id or "no recording found yet"
    held = "held" if claim.held else "not held"
    print(f"{claim.id}  {claim.created_at:%Y-%m-%d %H:%M}  {claim.kind:<10}  {claim.state}, {held}  {about}")
    print(f"    {claim.where_heard}" + (f"  [{claim.contact}]" if claim.contact else ""))


async def hold(connection: Connection, chosen: argparse.Namespace) -> None:
    """Hold the recording that is meant."""
    say(await third_party_claims.hold(connection, chosen.claim, chosen.recording))


async def uphold(connection: Connection, chosen: argparse.Namespace) -> None:
    """End the recording."""
    say(
        await third_party_claims.resolve(
            connection, chosen.claim, None, "upheld", chosen.answer, take_back=chosen.take_back
        )
    )


async def dismiss(connection: Connection, chosen: argparse.Namespace) -> None:
    """Let the recording go on."""
    say(await third_party_claims.resolve(connection, chosen.claim, None, "dismissed", chosen.answer))


DOES = {"list": show, "hold": hold, "uphold": uphold, "dismiss": dismiss}
