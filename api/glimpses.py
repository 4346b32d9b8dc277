"""Glimpses: the parts of a report in which the recording itself can be seen or, with some skill, heard.

Stills show what was filmed, speech can be rebuilt from a fine spectrogram, and an X-ray says where faces were. A
recording is erased by destroying its contributor's key, also in backups; whatever lay beside it in clear would outlive
that. So these parts are sealed under the same key, and the rest of the report stays readable for statistics.
"""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from capture_validation.report import Report, Spectrogram, Still
from capture_validation.xray import Xray
from storage.encryption import unseal


class Glimpses(Struct, frozen=True):
    """What is kept under the contributor's key."""

    spectrogram: Spectrogram | None
    stills: tuple[Still, ...]
    xray: Xray | None = None


def glimpses(report: Report, xray: Xray | None = None) -> bytes:
    """Pack what shows the recording, or what can be seen in it, to be sealed."""
    return msgspec.msgpack.encode(Glimpses(report.spectrogram, report.stills, xray))


def opened(key: bytes, recording: UUID, sealed: bytes | None) -> Glimpses:
    """Open what was sealed. Raises MediaDamaged when the key is not the one it was sealed with."""
    if sealed is None:
        return Glimpses(None, ())
    return msgspec.msgpack.decode(unseal(key, recording, sealed), type=Glimpses)


def in_clear(report: Report) -> dict[str, Any]:
    """Give a report as the database keeps it: numbers, spans and levels, nothing to look at."""
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(report, spectrogram=None, stills=()))
    return plain


def with_glimpses(report: Report, key: bytes, recording: UUID, sealed: bytes | None) -> Report:
    """Put a report together again. Raises MediaDamaged when the key is not the one it was sealed with."""
    seen = opened(key, recording, sealed)
    return msgspec.structs.replace(report, spectrogram=seen.spectrogram, stills=seen.stills)
