"""The job that makes one rendition: the original out of the store, its cleaned copy into it.

As validation it may be run twice or killed anywhere: only the last transaction counts, and only while the owner's
choices are still the ones it was made for.
"""

from __future__ import annotations

import hashlib
import logging
from typing import IO
from uuid import UUID, uuid4

import msgspec
from anyio import to_thread

from api.hidden import hidden_by_terms
from api.validation import Workplace, unlinked
from capture_validation.clean.choices import Choices
from capture_validation.clean.clean import Cleaned, clean
from capture_validation.errors import ChoicesInvalid, NotClean, Unreadable
from capture_validation.report import Span
from storage import encryption, events, renditions, sweeping
from storage.database import transaction
from storage.encryption import Layout, SealingFile
from storage.media import Media, plaintext
from storage.renditions import Order

logger = logging.getLogger("companion.cleaning")

READ_SIZE = 1 << 20


async def make_rendition(place: Workplace, recording: UUID) -> None:
    """Make what is to be made of one recording. Raises whatever failed on our side, to be tried again."""
    async with transaction(place.database) as connection:
        order = await renditions.order(connection, recording)
        if order is None:
            return
        key = await encryption.subject_key(connection, place.master_key, order.account_id)
    with unlinked(place.scratch) as original, unlinked(place.scratch) as copy:
        stored = Media(recording, order.object_key, order.size_bytes)
        async for piece in plaintext(place.store, stored, key, 0, order.size_bytes):
            original.write(piece)
        try:
            done = await hide(place, order, original, copy)
        except (ChoicesInvalid, NotClean, Unreadable) as reason:
            await refuse(place, order, reason)
            return
        await keep(place, order, key, done, copy)


def demanded(order: Order) -> Choices:
    """Give what is to be hidden: what the owner chose, and never less than the terms promise them."""
    choices = msgspec.convert(order.choices, Choices)
    hidden = hidden_by_terms(order.promised, order.media_type)
    if "faces" in hidden and choices.faces == "keep":
        choices = msgspec.structs.replace(choices, faces="blur")
    if "text" in hidden and choices.text == "keep":
        choices = msgspec.structs.replace(choices, text="blur")
    if "sound" in hidden:
        # Silence from the first to the last moment; the second more is for a track that outlasts the pictures.
        choices = msgspec.structs.replace(choices, mute=(Span(0.0, order.duration_ms / 1000 + 1),))
    return choices


async def hide(place: Workplace, order: Order, original: IO[bytes], copy: IO[bytes]) -> Cleaned:
    """Clean the file in the sandbox, in a thread, so that this worker's heartbeat goes on meanwhile."""
    choices = demanded(order)
    original.flush()
    return await to_thread.run_sync(
        lambda: clean(original.fileno(), copy, choices),  # type: ignore[arg-type]
        limiter=place.at_once,
    )


async def keep(place: Workplace, order: Order, key: bytes, done: Cleaned, copy: IO[bytes]) -> None:
    """Encrypt and store a rendition, and tell its owner, unless the choices changed meanwhile."""
    digest, size = await to_thread.run_sync(measured, copy)
    object_key = f"renditions/{order.recording_id}/{order.version}-{uuid4().hex}"
    async with transaction(place.database) as connection:
        await sweeping.plan(connection, object_key)
    layout = Layout(size)
    copy.seek(0)
    sealing = SealingFile(copy, layout, key, order.recording_id)  # type: ignore[arg-type]
    await place.store.put_file(object_key, sealing, layout.object_size)  # type: ignore[arg-type]
    async with transaction(place.database) as connection:
        stored = await renditions.store(
            connection,
            order,
            object_key=object_key,
            sha256=digest,
            size_bytes=size,
            media_type=done.media_type,
            edits=[msgspec.to_builtins(edit) for edit in done.edits],
            removed_ms=round(done.removed_s * 1000),
        )
        if stored:
            data = {"number": order.version}
            await events.tell(connection, order.account_id, "rendition.made", recording=order.recording_id, data=data)
    logger.info("cleaned", extra={"recording": str(order.recording_id), "number": order.version})


def measured(file: IO[bytes]) -> tuple[bytes, int]:
    """The SHA-256 of a file and its size in bytes."""
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := file.read(READ_SIZE):
        digest.update(piece)
        size += len(piece)
    return digest.digest(), size


async def refuse(place: Workplace, order: Order, reason: Exception) -> None:
    """Say why there is no rendition of these choices; other choices are tried again."""
    code = reason.code if isinstance(reason, Unreadable) else type(reason).__name__
    trouble = {"NotClean": "not-clean", "ChoicesInvalid": "choices-invalid"}.get(code, code)
    async with transaction(place.database) as connection:
        await renditions.give_up(connection, order, trouble)
        data = {"number": order.version, "because": trouble}
        await events.tell(connection, order.account_id, "rendition.impossible", recording=order.recording_id, data=data)
