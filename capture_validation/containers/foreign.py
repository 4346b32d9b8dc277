"""What a file is that is not a recording, for a sentence the contributor understands.

Nothing here decides whether a file is accepted: that was settled when no container recognised it.
"""

import re

from capture_validation.errors import Unreadable

# Starts of files that only name other files or addresses (HLS RFC 8216, DASH ISO/IEC 23009-1, SDP RFC 8866, …).
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"v=0", b"RTSPtext", b"rtsptext", b"SMILtext", b"[playlist]", b"<smil", b"<asx")
SIGNATURES = {
    "image": (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"\x00\x00\x00\x0cJXL "),
    "archive": (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ"),
    "document": (b"%PDF", b"{\\rtf", b"\xd0\xcf\x11\xe0"),
    "web page": (b"<!doctype html", b"<html"),
    "raw video": (b"YUV4MPEG2", b"\x00\x00\x00\x01", b"\x00\x00\x01", b"FRAME"),
    "program": (b"\x7fELF", b"MZ", b"#!/"),
    "unsupported media": (
        b"FLV", b"0&\xb2u", b".RMF", b"wvpk", b"MAC ", b"fLaX", b"TTA1", b"MThd", b"G@", b"\x06\x0e\x2b\x34", b"DKIF",
        b"\x1f\x07\x00", b"\x00\x00\x00\x0cjP  ", b"\x0bw", b"ADIF",
    ),
}  # fmt: skip
#: Bytes of a packet of a camcorder's AVCHD stream: four of a clock, then one of ISO/IEC 13818-1, which begins with G.
AVCHD_PACKET = 192


def refusal(head: bytes) -> Unreadable:
    """The error for a file that no container recognised, by its first bytes."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(PLAYLISTS) or re.search(rb"<(\w+:)?(MPD|lolz|SmoothStreamingMedia)\b", head, re.IGNORECASE):
        return Unreadable("playlist")
    for looks_like, signatures in SIGNATURES.items():
        if head.startswith(signatures) or start.lower().startswith(signatures):
            return Unreadable("container-unknown", looks_like=looks_like)
    if head[4:5] == head[4 + AVCHD_PACKET : 5 + AVCHD_PACKET] == b"G":
        return Unreadable("container-unknown", looks_like="unsupported media")
    return Unreadable("container-unknown", looks_like="text" if _is_text(head) else "unknown data")


def _is_text(head: bytes) -> bool:
    # A quiet room through AAC is nearly all printable, too; but its frames begin with 0xFF, which no UTF-8 has.
    printable = sum(byte >= 0x20 or byte in b"\t\r\n\x1b" for byte in head)
    return bool(head) and not {0x00, 0xFF} & set(head) and printable > 0.95 * len(head)
