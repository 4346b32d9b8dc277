"""Sound files as odd encoders, cutters and taggers write them: whole for every player, so whole for us."""

import io
import math
import struct

import av
import numpy as np
import pytest
import soundfile

from capture_validation.decode import open_recording
from tests.capture_validation.made import sound, tone
from tests.capture_validation.parts import blocks
from tests.media import media


def test_bits_that_an_mp3_encoder_left_over_silence_nothing() -> None:
    """Some encoders count stuffing to a granule; a decoder that takes it for damage drops what it holds."""
    file = io.BytesIO(with_bits_left(sound("mp3", "libmp3lame", tone(1.0, 44_100), 44_100, "s16p")))
    with av.open(file) as played:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in played.decode(audio=0)])
    file.seek(0)

    with open_recording(file) as recording:
        samples = np.concatenate([block.samples[:, 0] for block in blocks(recording)])

    assert 0.4 < np.abs(heard).max()
    assert 0 == np.abs(samples - heard).max()


@pytest.mark.parametrize("seconds", [0, 5, 36_000])
def test_what_was_cut_out_of_a_running_transmission_has_not_lost_its_beginning(seconds: int) -> None:
    """Its clock ran for so long before (RFC 7845, 4.5); half of it is half of it all the same."""
    data = later(sound("ogg", "libopus", tone(4.0, 48_000), 48_000), seconds * 48_000)
    truncated = []
    for end in (len(data), data.index(b"OggS", len(data) // 2)):
        with open_recording(io.BytesIO(data[:end])) as recording:
            assert recording.audio is not None
            heard_s = sum(len(block.samples) for block in blocks(recording)) / 48_000
        assert -0.01 < heard_s - (recording.audio.claimed_duration_s or 0) < 1.1
        truncated.append(recording.audio_end.truncated)

    assert [False, False] == truncated


def later(ogg: bytes, samples: int) -> bytes:
    """Every place on the clock of an Ogg (RFC 3533, 6) later by so many samples, with new checksums."""
    pages = []
    for part in ogg.split(b"OggS")[1:]:
        place = int.from_bytes(part[2:10], "little")
        moved = place + samples if 0 < place < 1 << 63 else place
        page = b"OggS" + part[:2] + moved.to_bytes(8, "little") + part[10:18] + bytes(4) + part[22:]
        pages.append(page[:22] + checksum(page).to_bytes(4, "little") + page[26:])
    return b"".join(pages)


def checksum(page: bytes) -> int:
    """The CRC of an Ogg page whose own field is zero: 0x04C11DB7, not reflected, from 0."""
    rest = 0
    for byte in page:
        rest ^= byte << 24
        for _ in range(8):
            rest = (rest << 1 ^ (0x104C11DB7 if rest & 0x80000000 else 0)) & 0xFFFFFFFF
    return rest


@pytest.mark.parametrize("tag", [b"APETAGEX", b"LYRICS200"])
def test_a_tag_behind_the_last_frame_of_an_mp3_is_no_damage_and_a_hole_between_frames_is(tag: bytes) -> None:
    """APEv2 needs no header, so that its first bytes are a number; Lyrics3 has none. Neither is known to FFmpeg."""
    mp3 = sound("mp3", "libmp3lame", tone(1.0, 44_100), 44_100, "s16p")
    title = struct.pack("<II", 5, 0) + b"Title\0Words"
    behind = title + tag + struct.pack("<IIII", 2000, len(title) + 32, 1, 0x80000000) + bytes(8)
    at = mp3.index(b"\xff\xfb", len(mp3) // 2)
    errors = []
    for data in (mp3, mp3 + behind, mp3[:at] + behind * 9 + mp3[at:], mp3 + behind.replace(tag, b"ELSEWHERE")):
        with open_recording(io.BytesIO(data)) as recording:
            assert 0.9 < sum(len(block.samples) for block in blocks(recording)) / 44_100
        errors.append(recording.audio_end.decode_errors)

    assert [0, 0] == errors[:2]
    assert min(errors[2:]) > 0


def with_bits_left(mp3: bytes) -> bytes:
    """The second granule of every mono MPEG-1 frame (part2_3_length, ISO 11172-3, 2.4.1.7) longer by a bit or more."""
    changed = bytearray(mp3)
    at = mp3.index(b"\xff\xfb")
    while mp3[at : at + 2] == b"\xff\xfb":
        side = int.from_bytes(mp3[at + 4 : at + 21])
        below = 17 * 8 - 77 - 12
        if 0 < (side >> below & 0xFFF) < 0xFF0:
            changed[at + 4 : at + 21] = (side + (8 << below)).to_bytes(17)
        rates = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
        at += 144_000 * rates[mp3[at + 2] >> 4] // 44_100 + (mp3[at + 2] >> 1 & 1)
    return bytes(changed)


def test_a_memo_with_pauses_is_whole() -> None:
    """AMR sends nothing while nobody speaks (discontinuous transmission); the pauses are filled with quiet noise."""
    speech, rate = soundfile.read(media("speech_jfk_16k.wav"), dtype="int16")
    samples = np.concatenate([speech, np.zeros(3 * rate, np.int16)])[::2].copy()
    file = io.BytesIO(sound("amr", "libopencore_amrnb", samples, 8000, options={"dtx": "1"}))

    with open_recording(file) as recording:
        lasted = sum(len(block.samples) for block in blocks(recording)) / 8000

    assert len(file.getvalue()) < 20_000
    assert math.isclose(len(speech) / rate + 3, lasted, abs_tol=0.05)
    assert (0, []) == (recording.audio_end.decode_errors, recording.audio_end.gaps)


@pytest.mark.parametrize("seconds", [0.05, 0.5])
def test_the_last_packet_of_alac_in_a_caf_is_whole(seconds: float) -> None:
    """Its length stands in the packet and in the container, and is taken away once."""
    with open_recording(io.BytesIO(sound("caf", "alac", tone(seconds, 48_000), 48_000))) as recording:
        heard = sum(len(block.samples) for block in blocks(recording))

    assert heard == round(seconds * 48_000)
