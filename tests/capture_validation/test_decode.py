"""Samples and pictures out of recordings, exact and in bounded memory."""

import gc
import io
import itertools
import math
import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from capture_validation import decode
from capture_validation.capacity import Capacity
from capture_validation.decode import AudioBlock, VideoFrame, open_recording
from capture_validation.errors import Unreadable
from capture_validation.pictures import Scaler
from capture_validation.samples import Blocks
from tests.capture_validation.made import lying, sound, tone, video
from tests.capture_validation.parts import blocks, pictures
from tests.media import all_media, media


def float_wav(samples: np.ndarray, rate: int = 16_000) -> bytes:
    data = samples.astype("<f4").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3, 1, rate, rate * 4, 4, 32)
    return head + struct.pack("<4sI", b"data", len(data)) + data


@pytest.mark.parametrize("name", all_media())
def test_every_real_recording_is_decoded_to_its_end(name: str) -> None:
    """No error, nothing missing, every number finite, every picture as large as announced."""
    with media(name).open("rb") as file, open_recording(file) as recording:
        samples = frames = 0
        for part in recording.read():
            if isinstance(part, AudioBlock):
                samples += len(part.samples)
                assert part.samples.dtype == np.float32
            else:
                frames += 1

    assert (recording.video is not None) == name.startswith("video")
    for track, end, count in (
        (recording.audio, recording.audio_end, samples),
        (recording.video, recording.video_end, frames),
    ):
        if track is not None:
            assert (0, 0, False) == (end.decode_errors, end.corrupt_frames, end.truncated)
            assert count > 0
            claimed = track.claimed_duration_s or end.decoded_duration_s
            assert math.isclose(claimed, end.decoded_duration_s, abs_tol=0.2)


def test_a_chunk_that_ends_further_than_a_disk_reaches_is_a_refusal_and_no_fault(tmp_path) -> None:
    """Only a file of a disk refuses to be read there; the sandbox's and one in memory do not."""
    path = tmp_path / "far.caf"
    path.write_bytes(sound("caf", "pcm_s16be", tone(2.0)) + b"junk" + struct.pack(">q", 1 << 62))

    with path.open("rb") as file, pytest.raises(Unreadable) as caught, open_recording(file):
        pass

    assert caught.value.code == "undecodable"


def test_integers_are_scaled_exactly() -> None:
    samples = np.array([0, 1, -1, 16384, -32768, 32767], np.int16)

    with open_recording(io.BytesIO(sound("wav", "pcm_s16le", samples))) as recording:
        (block,) = blocks(recording)

    assert (samples / 32768).tolist() == block.samples[:, 0].tolist()


def test_floats_beyond_full_scale_are_kept() -> None:
    with open_recording(io.BytesIO(float_wav(np.array([0.5, 1.5, -2.0])))) as recording:
        (block,) = blocks(recording)

    assert [0.5, 1.5, -2.0] == block.samples[:, 0].tolist()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_samples_that_are_no_numbers_are_refused(value: float) -> None:
    with (
        pytest.raises(Unreadable) as caught,
        open_recording(io.BytesIO(float_wav(np.array([0.5, value])))) as recording,
    ):
        blocks(recording)

    assert "not-finite" == caught.value.code


@pytest.mark.parametrize("container", ["wav", "matroska", "mov"])
def test_where_the_first_sample_that_is_no_number_lies_is_told(container: str) -> None:
    """Also where one packet holds all of the recording, as one of Matroska may."""
    samples = np.zeros(48_000, np.float32)
    samples[36_000:] = math.nan

    with (
        pytest.raises(Unreadable) as caught,
        open_recording(io.BytesIO(sound(container, "pcm_f32le", samples, sample_format="flt"))) as recording,
    ):
        blocks(recording)

    assert pytest.approx(36_000 / 16_000) == caught.value.parameters["at_s"]


@pytest.mark.parametrize("codec", [("wav", "pcm_s16le"), ("flac", "flac")])
def test_blocks_are_two_seconds_whatever_the_decoder_delivers(codec: tuple[str, str]) -> None:
    samples = tone(6.2)

    with open_recording(io.BytesIO(sound(*codec, samples))) as recording:
        found = blocks(recording)

    assert [32000, 32000, 32000, 3200] == [len(block.samples) for block in found]
    assert [0.0, 2.0, 4.0, 6.0] == [block.at_s for block in found]
    assert np.array_equal(samples / np.float32(32768), np.concatenate([block.samples for block in found])[:, 0])


def test_a_block_of_many_channels_is_shorter() -> None:
    """Memory is bounded by values, not by seconds."""
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 8 * 192_000), np.float32), "flt", "7.1")
    frame.sample_rate = 192_000

    assert [96_000, 96_000] == [len(block.samples) for block in Blocks(192_000, 8).put(frame)]


def test_a_block_that_was_handed_out_is_never_written_again() -> None:
    with open_recording(io.BytesIO(sound("wav", "pcm_s16le", tone(7)))) as recording:
        found = blocks(recording)

    assert 4 == len({id(block.samples.base) for block in found})


@pytest.mark.parametrize(
    ("name", "rotation", "size"),
    [
        ("video_keys_rot90.mov", 90, (320, 568)),
        ("video_keys_rot180.mov", 180, (568, 320)),
        ("video_keys_rot270.mov", 270, (320, 568)),
        ("video_desk_h263.3gp", 0, (384, 288)),
    ],
)
def test_pictures_are_upright_with_square_pixels(name: str, rotation: int, size: tuple[int, int]) -> None:
    with media(name).open("rb") as file, open_recording(file) as recording:
        track = recording.video
        first = next(part for part in recording.read() if isinstance(part, VideoFrame))
        shapes = first.luma(2000).shape, first.rgb().shape

    assert track is not None
    assert (rotation, *size) == (track.rotation_deg, track.width, track.height)
    assert ((size[1], size[0]), (size[1], size[0], 3)) == shapes


@pytest.mark.parametrize(
    ("matrix", "rotation", "mirrored", "corner"),
    [
        ((1, 0, 0, 1), 0, False, (0, 0)),
        ((0, 1, -1, 0), 90, False, (0, 1)),
        ((-1, 0, 0, -1), 180, False, (1, 1)),
        ((0, -1, 1, 0), 270, False, (1, 0)),
        ((-1, 0, 0, 1), 0, True, (0, 1)),
        ((1, 0, 0, -1), 180, True, (1, 0)),
        ((0, 1, 1, 0), 270, True, (0, 0)),
        ((0, -1, -1, 0), 90, True, (1, 1)),
        ((0, 0, 0, 0), 0, False, (0, 0)),
    ],
)
def test_pictures_are_shown_as_a_player_shows_them(
    matrix: tuple[int, int, int, int], rotation: int, mirrored: bool, corner: tuple[int, int]
) -> None:
    """Front cameras note that left and right are to be exchanged; who took that for half a turn saw heads below."""
    with open_recording(io.BytesIO(lying(matrix))) as recording:
        picture = next(part for part in recording.read() if isinstance(part, VideoFrame))
        track, seen, stored = recording.video, picture.luma(), picture.planes(picture.width, picture.height)[0]

    assert track is not None
    assert (rotation, mirrored) == (track.rotation_deg, track.mirrored)
    for shown in (seen, stored):
        height, width = shown.shape
        dark = [
            (down, across)
            for down in (0, 1)
            for across in (0, 1)
            if shown[down * height // 2 + height // 4, across * width // 2 + width // 4] < 128
        ]
        assert [corner] == dark


@pytest.mark.parametrize(("rotation", "corner"), [(0, (0, 0)), (90, (0, 1)), (180, (1, 1)), (270, (1, 0))])
def test_pictures_are_turned_clockwise(rotation: int, corner: tuple[int, int]) -> None:
    """A light in the upper left of the stored picture moves to the upper right by a quarter turn."""
    stored = np.zeros((40, 80, 3), np.uint8)
    stored[:20, :40] = 255
    picture = VideoFrame(av.VideoFrame.from_ndarray(stored), 0.0, 0.1, rotation, 1.0, Scaler())

    luma = picture.luma()
    height, width = luma.shape
    quarters = luma.reshape(2, height // 2, 2, width // 2).mean(axis=(1, 3))

    assert corner == np.unravel_index(quarters.argmax(), (2, 2))


def test_brightness_is_full_range() -> None:
    """Video stores black as 16 and white as 235; a check on exposure must see 0 and 255."""
    with open_recording(io.BytesIO(video("mp4", pictures=32))) as recording:
        means = [part.luma().mean() for part in recording.read() if isinstance(part, VideoFrame)]

    assert means[0] < 3
    assert abs(means[31] - 248) < 4
    assert all(later > earlier for earlier, later in itertools.pairwise(means))


def test_no_picture_outlives_the_next_one() -> None:
    """A 4K picture takes 31 MB; whoever keeps one forgotten in a list learns it at once, not on the largest film."""
    with open_recording(io.BytesIO(video("mp4"))) as recording:
        parts = recording.read()
        first = next(parts)
        next(parts)

    assert isinstance(first, VideoFrame)
    with pytest.raises(RuntimeError, match="until the next one is read"):
        first.luma()


def test_the_decoder_alone_holds_the_pictures_it_still_needs() -> None:
    """While a reader looks at one picture, no earlier one is referenced from Python any more."""
    encoded = io.BytesIO(video("mp4"))
    gc.collect()
    others = {id(thing) for thing in gc.get_objects() if isinstance(thing, av.VideoFrame)}
    with open_recording(encoded) as recording:
        for _ in recording.read():
            mine = [thing for thing in gc.get_objects() if isinstance(thing, av.VideoFrame) and id(thing) not in others]
            # One is being looked at; PyAV keeps one empty for the decoder to fill.
            assert sum(thing.width > 0 for thing in mine) <= 1
            del mine


def test_pictures_know_their_time() -> None:
    with open_recording(io.BytesIO(video("mp4"))) as recording:
        found = pictures(recording)

    assert [round(number / 10, 6) for number in range(30)] == [round(picture.at_s, 6) for picture in found]
    assert math.isclose(3.0, recording.video_end.decoded_duration_s, abs_tol=1e-6)
    assert found[0].is_key


def test_cover_art_is_no_picture_track() -> None:
    with media("music_vibe_ace_22k.ogg").open("rb") as file, open_recording(file) as recording:
        assert recording.video is None


def test_of_several_tracks_the_default_one_is_read() -> None:
    with media("video_nasa_multitrack.mp4").open("rb") as file, open_recording(file) as recording:
        assert recording.video is not None
        assert (320, 180) == (recording.video.width, recording.video.height)


@pytest.mark.parametrize(
    ("transfer", "name"), [("hlg", "video_roof_iphone_dolbyvision.mov"), ("pq", "video_roof_av1_hdr_portrait.mp4")]
)
def test_hdr_is_told_from_ordinary_video(transfer: str, name: str) -> None:
    with media(name).open("rb") as file, open_recording(file) as recording:
        assert recording.video is not None
        assert transfer == recording.video.color_transfer


def test_what_a_dying_phone_left_is_decoded_and_called_truncated() -> None:
    data = media("speech_jfk_16k.wav").read_bytes()

    with open_recording(io.BytesIO(data[: len(data) // 2])) as recording:
        seconds = sum(len(block.samples) for block in blocks(recording)) / 16_000

    assert math.isclose(5.5, seconds, abs_tol=0.01)
    assert recording.audio_end.truncated


def test_damage_in_the_middle_is_counted_and_the_rest_decoded() -> None:
    data = bytearray(media("ambient_bear_48k.flac").read_bytes())
    for at in range(60_000, 62_000):
        data[at] ^= 0x5A

    with open_recording(io.BytesIO(bytes(data))) as recording:
        seconds = sum(len(block.samples) for block in blocks(recording)) / 48_000
    end = recording.audio_end

    assert end.decode_errors + end.corrupt_frames + len(end.gaps) > 0
    assert 2.0 < seconds < 2.75


def test_damaged_pictures_are_marked() -> None:
    data = bytearray(media("video_courtyard_people.mp4").read_bytes())
    for at in range(600_000, 660_000, 50):
        data[at] ^= 0xFF

    with open_recording(io.BytesIO(bytes(data))) as recording:
        found = pictures(recording)

    assert recording.video_end.corrupt_frames + recording.video_end.decode_errors > 0
    assert len(found) > 900


def test_a_lost_packet_is_a_gap_with_place_and_length() -> None:
    """A real phone: the second packet of sound comes 155 ms late."""
    with media("video_fire_android_rot180_gps.mp4").open("rb") as file, open_recording(file) as recording:
        blocks(recording)
    ((at, length),) = recording.audio_end.gaps

    assert math.isclose(0.0213, at, abs_tol=0.001)
    assert math.isclose(0.155, length, abs_tol=0.001)


def test_decoding_stops_at_the_capacity_when_the_header_keeps_quiet() -> None:
    """An ADTS stream tells no duration, so only decoding finds out."""
    data = sound("adts", "aac", tone(3))

    with (
        pytest.raises(Unreadable) as caught,
        open_recording(io.BytesIO(data), Capacity(audio_duration_s=1.0)) as recording,
    ):
        blocks(recording)

    assert ("over-limit", "duration_s") == (caught.value.code, caught.value.parameters["what"])


def test_decoded_samples_are_bounded_too() -> None:
    data = sound("adts", "aac", tone(3))

    with (
        pytest.raises(Unreadable) as caught,
        open_recording(io.BytesIO(data), Capacity(sample_values=20_000)) as recording,
    ):
        blocks(recording)

    assert "sample_values" == caught.value.parameters["what"]


def test_a_stream_that_decodes_to_nothing_is_undecodable() -> None:
    data = bytearray(video("mp4", "mpeg4"))
    at = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[at:end] = bytes(end - at)

    with pytest.raises(Unreadable) as caught, open_recording(io.BytesIO(bytes(data))) as recording:
        pictures(recording)

    assert "undecodable" == caught.value.code


def test_what_begins_with_nothing_but_errors_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five megabytes can hold five million packets of a byte, and each error costs as much as a good packet."""
    file = packets_of_pcm([b"\0"] * 60 + [bytes(960)] * 25)
    with open_recording(file) as recording:
        assert 0.25 == sum(len(block.samples) for block in blocks(recording)) / 48_000

    monkeypatch.setattr(decode, "HOPELESS", 50)
    with pytest.raises(Unreadable, match="undecodable"), open_recording(file):
        pass


def packets_of_pcm(packets: list[bytes]) -> io.BytesIO:
    """A Matroska file of 16-bit sound at 48 kHz whose packets are these bytes."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream = out.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 100)
            packet.pts = packet.dts = number
            out.mux(packet)
    return file


def test_sound_of_a_codec_that_nobody_decodes_is_named() -> None:
    """MP4 calls AAC and DTS `mp4a` alike; only a byte behind it tells (ISO/IEC 14496-1, objectTypeIndication)."""
    data = sound("mp4", "aac", tone(0.5))
    head, separator, tail = data.partition(b"\x40\x15")
    assert b"esds" in head[-64:]

    with pytest.raises(Unreadable) as refused, open_recording(io.BytesIO(head + b"\xa9" + separator[1:] + tail)):
        pass

    assert ("codec-unsupported", {"codec": "dts"}) == (refused.value.code, refused.value.parameters)


def test_samples_that_lie_as_they_are_come_in_few_pieces() -> None:
    """FFmpeg's own pieces of a tenth of a second cost more than their samples."""
    with open_recording(io.BytesIO(float_wav(tone(10) / 2**15))) as recording:
        whole = sum(len(block.samples) for block in blocks(recording))

    assert (160_000, 10) == (whole, recording.audio_end.packets)
