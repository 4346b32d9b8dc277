"""What a term sheet promises to hide in every copy that leaves, whatever a recording's owner chooses."""

from collections.abc import Mapping
from typing import Any, Literal

#: What a term sheet calls a copy in which nobody can be recognised by face or plate.
BLURRED = "recording_with_faces_and_plates_blurred"
#: What terms can hide by themselves.
Hidden = Literal["faces", "text", "sound"]


def hidden_by_terms(media: Mapping[str, Any], media_type: str) -> list[Hidden]:
    """List what the terms of a recording promise to hide whatever its owner chooses; `media` is the sheet's part."""
    if not media_type.startswith("video/"):
        return []
    delivered = media.get("delivered", [])
    blurred = BLURRED in delivered and "recording" not in delivered
    return [*(("faces", "text") if blurred else ()), *(("sound",) if media.get("sound") == "removed" else ())]
