"""Which files are taken for recordings, and as what."""

import io
import math
import struct
from typing import Any

import av
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_validation.capacity import CAPACITY, Capacity
from capture_validation.containers import Container, recognise
from capture_validation.errors import Unreadable
from capture_validation.report import Rejection
from tests.capture_validation.made import sound, tone, video
from tests.media import all_media, media


def of(data: bytes, capacity: Capacity = CAPACITY) -> Container:
    return recognise(io.BytesIO(data), capacity)


def refusal(data: bytes, capacity: Capacity = CAPACITY) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        of(data, capacity)
    return caught.value


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(content) if size is None else size) + content + b"\0" * (len(content) % 2)


def wav(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def fmt(tag: int = 1, channels: int = 1, rate: int = 16_000, bits: int = 16, more: bytes = b"") -> bytes:
    align = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits) + more)


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


SECOND = bytes(32_000)
# The head of a file with one header of every family, for mutation.
HEADS = [
    wav(fmt(), chunk(b"data", SECOND[:400])),
    video("mp4"),
    video("mov", options={"moov_size": "9000"}),
    video("webm", "libvpx"),
    video("avi"),
    sound("flac", "flac", tone(0.2)),
    sound("ogg", "libopus", tone(0.2, 48_000), 48_000),
    sound("mp3", "libmp3lame", tone(0.2)),
    sound("adts", "aac", tone(0.2)),
    sound("aiff", "pcm_s16be", tone(0.05)),
    sound("caf", "pcm_s16be", tone(0.05)),
    sound("w64", "pcm_s16le", tone(0.05)),
]


@pytest.mark.parametrize("name", all_media())
def test_every_real_recording_is_recognised(name: str) -> None:
    with media(name).open("rb") as file:
        container = recognise(file)

    assert name.startswith("video") == (container.kind == "video")
    assert not container.incomplete


def test_there_are_real_recordings_to_test_with() -> None:
    """Without them the parametrised tests above would pass by being empty."""
    media("")

    assert len(all_media()) >= 67


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head[:12].hex())
def test_every_family_is_recognised(head: bytes) -> None:
    assert of(head).size_bytes == len(head)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF - 36], ids=["zero", "all ones", "SoX"])
def test_a_wav_streamed_without_length_is_as_long_as_its_bytes(size: int) -> None:
    container = of(wav(fmt(), chunk(b"data", SECOND, size)))

    assert container.claimed_duration_s == 1.0
    assert not container.incomplete


def test_a_wav_cut_short_still_claims_what_it_was_to_hold() -> None:
    container = of(wav(fmt(), chunk(b"data", SECOND, 64_000)))

    assert container.claimed_duration_s == 2.0
    assert container.incomplete


def test_chunks_of_field_recorders_are_passed_over() -> None:
    extensible = struct.pack("<HHIH14s", 22, 16, 4, 1, bytes(14))

    data = wav(
        chunk(b"JUNK", bytes(27)), chunk(b"bext", bytes(602)), fmt(0xFFFE, more=extensible), chunk(b"data", SECOND)
    )

    assert of(data).claimed_duration_s == 1.0


@pytest.mark.parametrize("more", [b"\xe3" * 32_000, b"RIFF" + struct.pack("<I", 31_992) + b"WAVE" + SECOND[12:]])
def test_a_wav_with_sound_behind_its_end_claims_that_too(more: bytes) -> None:
    """A length that was never written anew, and two files in one, of which players play the first."""
    container = of(wav(fmt(), chunk(b"data", SECOND)) + more)

    assert container.claimed_duration_s == pytest.approx(2.0, abs=0.001)


@pytest.mark.parametrize(
    "more", [bytes(32_000), b"ID3\x04" + b"\xe3" * 32_000, chunk(b"LIST", b"\xe3" * 32_000), b"\xe3" * 99]
)
def test_what_is_no_sound_behind_the_end_of_a_wav_does_not_count(more: bytes) -> None:
    assert of(wav(fmt(), chunk(b"data", SECOND)) + more).claimed_duration_s == 1.0


def test_a_wav_of_nothing_is_empty() -> None:
    assert refusal(wav(fmt(), chunk(b"data", b""))).code == "empty"
    assert refusal(b"").code == "empty"


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (fmt(rate=7_999), "sample_rate"),
        (fmt(rate=192_001), "sample_rate"),
        (fmt(channels=9), "channels"),
    ],
)
def test_sound_no_microphone_delivers_is_refused(header: bytes, what: str) -> None:
    found = refusal(wav(header, chunk(b"data", SECOND)))

    assert ("over-limit", what) == (found.code, found.parameters["what"])


def test_a_campaign_may_ask_for_less() -> None:
    data = wav(fmt(), chunk(b"data", SECOND))

    assert refusal(data, Capacity(audio_duration_s=0.5)).parameters["limit"] == 0.5
    assert refusal(data, Capacity(audio_bytes=1000)).parameters["what"] == "bytes"


@pytest.mark.parametrize("options", [{}, {"moov_size": "9000"}, {"movflags": "frag_keyframe+empty_moov"}])
def test_mp4_is_recognised_however_it_was_written(options: dict[str, str]) -> None:
    """Header last, header first, and in fragments as browsers write it."""
    container = of(video("mp4", options=options))

    assert ("mov", "video", 64, 48) == (container.format, container.kind, container.width, container.height)


@pytest.mark.parametrize(("pictures", "kind"), [(1, "audio"), (2, "video")])
def test_one_still_beside_sound_makes_no_film(pictures: int, kind: str) -> None:
    """`companion check` asked a podcast for its moving pictures, because a chapter of it shows one."""
    file = io.BytesIO()
    with av.open(file, "w", format="mov") as out:
        still: Any = out.add_stream("mjpeg", rate=1)
        still.width, still.height, still.pix_fmt = 64, 48, "yuvj420p"
        spoken: Any = out.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for _ in range(pictures):
            out.mux(still.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        frame = av.AudioFrame.from_ndarray(tone(0.2)[None], "s16", "mono")
        frame.sample_rate = 16_000
        out.mux(spoken.encode(frame))

    assert kind == of(file.getvalue()).kind


def test_a_movie_without_ftyp_is_an_old_quicktime_file() -> None:
    data = video("mov")
    size = int.from_bytes(data[:4], "big")

    assert of(data[size:]).media_type == "video/quicktime"


def test_media_cut_off_by_a_dying_phone_are_accepted_when_the_header_came_first() -> None:
    data = video("mp4", options={"moov_size": "9000"})

    assert of(data[:-200]).incomplete


def test_a_movie_that_lost_its_header_is_truncated() -> None:
    assert refusal(video("mp4")[:-200]).code == "truncated"


def test_live_webm_without_duration_is_recognised() -> None:
    container = of(video("webm", "libvpx", {"live": "1"}))

    assert ("matroska", "video", None) == (container.format, container.kind, container.claimed_duration_s)


def test_what_opus_skips_at_its_start_is_not_missed_at_its_end() -> None:
    """One encoder skips 1.4 s, and the recording was said to break off."""
    data = sound("ogg", "libopus", tone(2.0, 48_000), 48_000)
    at = data.index(b"OpusHead") + 10
    usual, longer = (of(data[:at] + skip + data[at + 2 :]).claimed_duration_s or 0 for skip in (b"\0\0", b"\xff\xff"))

    assert 65_535 / 48_000 == pytest.approx(usual - longer)


def test_an_mp3_tells_its_length_in_either_tag() -> None:
    """Without Fraunhofer's, a file of which half a second was left of 222 s was called whole."""
    data = sound("mp3", "libmp3lame", tone(1.0))
    at = data.index(b"Info")
    start = at - 13
    told = b"VBRI" + bytes(10) + (1000).to_bytes(4, "big")
    other = data[:at] + bytes(4) + data[at + 4 : start + 36] + told + data[start + 36 + len(told) :]

    assert of(data).claimed_duration_s == pytest.approx(1.0, abs=0.1)
    assert 1000 * 576 / 16_000 == of(other).claimed_duration_s


def test_an_id3_tag_may_stand_in_front_of_flac_and_aac() -> None:
    tag = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10)

    assert of(tag + sound("flac", "flac", tone(0.2))).format == "flac"
    assert of(tag + sound("adts", "aac", tone(0.2))).format == "aac"


def test_compressed_sound_in_wav_may_keep_its_rate_to_itself() -> None:
    """FFmpeg leaves the bytes per second of ADPCM at 0 when it cannot seek."""
    assert of(sound("wav", "adpcm_ms", tone(0.5))).kind == "audio"
    assert of(sound("wav", "libmp3lame", tone(0.5))).kind == "audio"


def test_a_caf_that_lost_its_packet_table_is_truncated() -> None:
    data = sound("caf", "alac", tone(2))

    assert of(data).claimed_duration_s is not None
    assert refusal(data[: len(data) // 2]).code == "truncated"


def test_the_packet_table_of_a_caf_may_stand_in_front_of_its_data() -> None:
    """As libsndfile writes it, and as Apple's format allows; FFmpeg writes it last."""
    data = sound("caf", "alac", tone(2))
    table, at = data.index(b"pakt"), data.index(b"data")
    other = data[:at] + data[table:] + data[at:table]

    assert of(data).claimed_duration_s == of(other).claimed_duration_s


def test_samples_without_a_header_are_no_frames() -> None:
    """In 25 of 297 recordings without their header three frames followed each other by chance, and one got a report."""
    random = np.random.default_rng(3)
    refused = [refusal(random.normal(0, 300, 12_000).astype("<i2").tobytes()).code for _ in range(20)]

    assert {"container-unknown"} == set(refused)


def test_an_mp3_may_begin_within_a_frame_and_after_zeros() -> None:
    data = sound("mp3", "libmp3lame", tone(1.0))

    assert ["mp3", "mp3"] == [of(one).format for one in (data[100:], bytes(500) + data)]


def test_amr_wide_band_is_recognised_by_its_own_magic() -> None:
    assert of(b"#!AMR-WB\n\x7c").media_type == "audio/amr-wb"
    assert refusal(b"#!AMR\n").code == "empty"
    assert refusal(b"#!AMR_MC1.0\n\0\0\0\2").code == "codec-unsupported"


def test_a_picture_is_within_the_limit_upright_and_lying() -> None:
    assert CAPACITY.fits_picture(4096, 2304)
    assert CAPACITY.fits_picture(2304, 4096)
    assert not CAPACITY.fits_picture(2305, 2305)


@pytest.mark.parametrize(
    ("data", "code", "looks_like"),
    [
        (b"#EXTM3U\nhttp://x/", "playlist", None),
        (b"ffconcat version 1.0\n", "playlist", None),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "playlist", None),
        (b'<?xml version="1.0"?><MPD/>', "playlist", None),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "container-unknown", "image"),
        (b"PK\x03\x04" + bytes(99), "container-unknown", "archive"),
        (b"<!DOCTYPE html><p>", "container-unknown", "web page"),
        (b"Dear diary, today I renamed a text.", "container-unknown", "text"),
        (box(b"ftyp", b"heic" + bytes(8)) + box(b"mdat", bytes(99)), "container-unknown", "image"),
        ((bytes(4) + b"G" + bytes(187)) * 3, "container-unknown", "unsupported media"),
        (b"\x06\x0e\x2b\x34" + bytes(99), "container-unknown", "unsupported media"),
        (b"\x00\x00\x00\x0cjP  " + bytes(99), "container-unknown", "unsupported media"),
        (b"\x0b\x77" + bytes(99), "container-unknown", "unsupported media"),
        (bytes(200), "container-unknown", "unknown data"),
    ],
)
def test_the_refusal_says_what_the_file_is_instead(data: bytes, code: str, looks_like: str | None) -> None:
    found = refusal(data)

    assert (code, looks_like) == (found.code, found.parameters.get("looks_like"))


def test_the_frames_of_a_quiet_room_are_no_text_though_every_letter_of_them_could_be_one() -> None:
    """As a phone wrote them: 49 of 50 bytes are a hyphen."""
    quiet = b"\xff\xf1\x50\x40\x2f\x5f\xfc" + b"-" * 371

    assert of(quiet * 20).format == "aac"


class Counting(io.BytesIO):
    """A file that counts what is read from it."""

    total = largest = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.total += len(data)
        self.largest = max(self.largest, len(data))
        return data


def stored(refused: Unreadable) -> Rejection:
    """The refusal as a report carries it out of the sandbox and into PostgreSQL, which takes no U+0000 in JSON."""
    carried = msgspec.json.encode(Rejection(refused.code, refused.parameters))
    assert b"\\u00" not in carried
    return msgspec.json.decode(carried, type=Rejection)


def read_bounded(data: bytes) -> None:
    file = Counting(data)
    try:
        recognise(file)
    except Unreadable as refused:
        assert refused.code == stored(refused).code  # noqa: PT017
    assert file.largest <= 65_536
    assert file.total <= 64 << 20


def ogg(packet: bytes) -> bytes:
    return b"OggS\0\2" + bytes(8) + b"\1" + bytes(11) + bytes([1, len(packet)]) + packet


def aiff(exponent: int) -> bytes:
    common = struct.pack(">hIhHQ", 1, 1000, 16, exponent, 1 << 63)
    return b"FORM\0\0\1\0AIFFCOMM\0\0\0\x12" + common + b"SSND\0\0\0\x40" + bytes(64)


@pytest.mark.parametrize(
    ("data", "code", "facts"),
    [
        (ogg(b"BBCD\0\0\0\0\x08"), "codec-unsupported", {"codec": r"BBCD\x00\x00\x00\x00"}),
        (video("avi").replace(b"FMP4", bytes(4)), "codec-unsupported", {"codec": r"\x00\x00\x00\x00"}),
        (aiff(0x7FFE), "malformed", {"what": "sample rate", "value": ""}),
    ],
)
def test_what_a_file_claims_can_be_stored_and_read(data: bytes, code: str, facts: dict[str, str]) -> None:
    """Dirac in Ogg, pictures nobody packed in AVI and an infinite sample rate left a recording waiting for ever."""
    assert Rejection(code, facts) == stored(refusal(data))


def test_numbers_beyond_every_reader_are_told_all_the_same() -> None:
    refused = Unreadable("truncated", size=10, needed=1 << 65, rate=-math.inf)

    assert {"size": 10, "needed": 2.0**65, "rate": "-inf"} == stored(refused).parameters


STREAMINFO = b"\0\0\0\x22" + bytes(10) + b"\x01\xf4\0\xf0" + bytes(20)


@pytest.mark.parametrize("start", [b"ID3\4\0\0\0\0\x20\0", b"fLaC" + STREAMINFO + b"\x86\xff\xff\xff"])
def test_a_file_cut_off_in_its_cover_is_not_called_too_large(start: bytes) -> None:
    """What helps is to wait until it is saved, not to record in shorter pieces."""
    assert "truncated" == refusal(start + bytes(200)).code


@given(st.binary(max_size=4096))
def test_arbitrary_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    read_bounded(data)


@given(
    st.sampled_from(HEADS),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6),
    st.integers(0, 100),
)
def test_damaged_headers_are_recognised_or_refused(head: bytes, damage: list[tuple[int, bytes]], kept: int) -> None:
    """Bytes overwritten near the start, or near the end where MP4 keeps its header, and the file cut anywhere."""
    data = bytearray(head)
    for at, content in damage:
        at = at % len(data) if at % 2 else -(at % len(data)) - 1
        data[at : at + len(content) or None] = content

    read_bounded(bytes(data))
    read_bounded(bytes(data[: len(data) * kept // 100]))
