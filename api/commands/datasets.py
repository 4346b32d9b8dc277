"""`companion datasets`: name datasets and publish versions of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from uuid import UUID

import msgspec

from api.commands.database import in_transaction
from api.datasets import NewDataset
from storage import datasets
from storage.database import Connection


def command(words: Sequence[str]) -> int:
    """Run one of the datasets' commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    return in_transaction("datasets", lambda connection: DOES[chosen.what](connection, chosen))


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion datasets", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show the datasets, newest first")
    create = commands.add_parser("create", help="name a dataset")
    create.add_argument("slug", help="its name in addresses and manifests, such as read-speech-en")
    create.add_argument("--title", required=True)
    create.add_argument("--description", required=True)
    publish = commands.add_parser("publish", help="publish the next version: a list that never changes")
    publish.add_argument("dataset", type=UUID, metavar="ID")
    publish.add_argument("recordings", nargs="*", type=UUID, metavar="RECORDING")
    publish.add_argument("--campaign", action="append", default=[], type=UUID, help="all that it has accepted by now")
    return top


async def show(connection: Connection, _: argparse.Namespace) -> None:
    """Print the datasets."""
    for dataset in await datasets.listing(connection, limit=1000):
        print(f"{dataset.id}  version {dataset.newest_version or 0:>4}  {dataset.slug:<30}  {dataset.title}")


async def create(connection: Connection, chosen: argparse.Namespace) -> None:
    """Name a dataset."""
    words = {"slug": chosen.slug, "title": chosen.title, "description": chosen.description}
    new = msgspec.convert(words, NewDataset)
    print((await datasets.create(connection, new.slug, new.title, new.description)).id)


async def publish(connection: Connection, chosen: argparse.Namespace) -> None:
    """Publish a version."""
    listed = list(chosen.recordings)
    for campaign in chosen.campaign:
        listed += await datasets.accepted(connection, campaign)
    version = await datasets.publish(connection, chosen.dataset, listed)
    hours = version.duration_ms / 3_600_000
    print(f"Version {version.version}: {version.recordings} recordings, {hours:.2f} h, {version.sha256.hex()}")


DOES = {"list": show, "create": create, "publish": publish}
