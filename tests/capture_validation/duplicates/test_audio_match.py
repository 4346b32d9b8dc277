"""Matching sound: a copy is found whatever was done to it, another take is not."""

import numpy as np
import pytest
import scipy.signal

from capture_validation.duplicates import audio_match
from capture_validation.duplicates.audio_match import match_audio
from capture_validation.duplicates.audio_words import DOUBT, triples, words
from capture_validation.duplicates.memory import MemoryIndex
from tests.capture_validation.duplicates.sounds import Library, at_16k, fingerprint, samples

JFK = "speech_jfk_16k.wav"
SEVENS = ["speech_fsdd_7_jackson_0.wav", "speech_fsdd_7_jackson_1.wav", "speech_fsdd_7_nicolas_0.wav",
          "speech_fsdd_7_theo_0.wav", "speech_prompt_seven_allison.wav"]  # fmt: skip
OTHERS = ["speech_librispeech_198_16k.ogg", "speech_librispeech_5703_22k.ogg", "speech_dialogue_8k.wav",
          "music_vibe_ace_22k.ogg", "ambient_humpback_22k.ogg", "speech_nasa_44k_stereo.mp3"]  # fmt: skip


def of(name):
    return fingerprint(*samples(name))


@pytest.fixture(scope="module")
def library():
    return Library(jfk=of(JFK), **{name: of(name) for name in OTHERS})


def played(sound, factor):
    return scipy.signal.resample_poly(sound, 1000, round(1000 * factor)).astype(np.float32)


def noisy(sound):
    return sound + np.random.default_rng(1).standard_normal(len(sound)) * np.abs(sound).mean()


CHANGES = {
    "quieter": lambda sound: sound * 0.05,
    "clipped": lambda sound: np.clip(sound * 8, -1, 1),
    "noisy": noisy,
    "excerpt of 3 s": lambda sound: sound[64_000:112_000],
    "start cut off by 0.37 s": lambda sound: sound[5_920:],
    "telephone": lambda sound: scipy.signal.sosfilt(
        scipy.signal.butter(4, (300, 3000), "band", fs=16_000, output="sos"), sound
    ),
    "5 % faster": lambda sound: played(sound, 1.05),
    "5 % slower": lambda sound: played(sound, 0.95),
    "1 % faster": lambda sound: played(sound, 1.01),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(library, change):
    found = library.match(fingerprint(CHANGES[change](at_16k(JFK))))

    assert ["jfk"] == list(found)
    assert "duplicate" == found["jfk"].verdict


@pytest.mark.parametrize("lead_s", [7.3, 8.0, 9.6])
def test_no_more_is_said_to_be_the_same_than_is_held(library, lead_s):
    """Seconds that agree are whole, and what lies around a copy in a longer recording is not in what is held."""
    music = np.resize(at_16k("music_trumpet_44k_stereo.ogg"), 20 * 16_000) * 0.5
    copy = np.concatenate((music[: int(lead_s * 16_000)], at_16k(JFK), music[: 6 * 16_000]))

    (span,) = library.match(fingerprint(copy))["jfk"].spans

    assert 0 <= span.held.start_s < span.held.end_s <= len(at_16k(JFK)) / 16_000
    assert pytest.approx(lead_s, abs=0.05) == span.new.start_s - span.held.start_s
    assert pytest.approx(lead_s, abs=0.05) == span.new.end_s - span.held.end_s
    assert span.held.end_s - span.held.start_s > 9


@pytest.mark.parametrize("name", ["speech_jfk_16k.mp3", "speech_jfk_44k_stereo.flac"])
def test_another_file_of_the_same_recording_is_found(library, name):
    assert "duplicate" == library.match(of(name))["jfk"].verdict


@pytest.mark.parametrize("name", [*SEVENS, "speech_weather_16k.wav", "speech_live_hello_16k.wav"])
def test_a_stranger_matches_nothing(library, name):
    assert {} == library.match(of(name))


def test_other_takes_of_the_same_words_are_no_duplicates():
    """The same speaker says "seven" twice, and three others say it; forwards and backwards, so that it is enough."""
    takes = {name: fingerprint(np.concatenate((at_16k(name), at_16k(name)[::-1]))) for name in SEVENS}
    assert all(take.enough for take in takes.values())
    library = Library(**takes)

    found = {(name, other) for name, take in takes.items() for other in library.match(take) if other != name}

    assert set() == found


def test_two_recordings_of_one_speaker_are_strangers():
    """A fingerprint identifies a recording and not a voice: halves of one reading do not match each other."""
    sound = at_16k("speech_librispeech_198_16k.ogg")
    half = len(sound) // 2

    assert {} == Library(first=fingerprint(sound[:half])).match(fingerprint(sound[half:]))


def test_an_excerpt_says_where_it_comes_from(library):
    found = library.match(fingerprint(at_16k(JFK)[64_000:128_000]))["jfk"]

    (span,) = found.spans
    assert 4.0 == pytest.approx(span.held.start_s - span.new.start_s, abs=0.1)
    assert found.covered > 0.7


def test_all_of_a_copy_is_shown_and_not_only_where_it_agrees_most():
    """One second agrees by far more than the other: whoever sent it before is shown both."""
    held = Library(mulaw=of("speech_weather_16k_mulaw.wav"))

    (span,) = held.match(of("speech_weather_16k.wav"))["mulaw"].spans

    assert (0.0, 1.98) == (span.new.start_s, span.new.end_s)


def test_the_speed_of_a_copy_is_told(library):
    found = library.match(fingerprint(played(at_16k(JFK), 1.04)))["jfk"]

    assert 1.04 == pytest.approx(found.transformation.speed, abs=0.005)


def test_every_piece_of_a_recording_that_was_cut_together_is_found(library):
    """Half a minute each of strangers around two excerpts: both excerpts, and where they lie."""
    voice, music = at_16k("speech_librispeech_5703_22k.ogg"), at_16k("music_vibe_ace_22k.ogg")
    strange = np.tile(at_16k("speech_live_hello_16k.wav"), 10)[: 16_000 * 25]
    whole = np.concatenate((strange, voice[32_000:128_000], strange, music[160_000:320_000]))

    found = library.match(fingerprint(whole))

    assert {"speech_librispeech_5703_22k.ogg", "music_vibe_ace_22k.ogg"} == set(found)
    first = found["speech_librispeech_5703_22k.ogg"].spans[0].new
    assert (25, 31) == pytest.approx((first.start_s, first.end_s), abs=1.5)


def test_two_pieces_of_one_recording_that_were_cut_together_are_both_found():
    """Four seconds each, the later ones first, with music between: one line explains only its own piece."""
    voice, music = at_16k("speech_librispeech_198_16k.ogg"), at_16k("music_vibe_ace_22k.ogg")
    cut = np.concatenate((voice[112_000:176_000], music[320_000:352_000], voice[16_000:80_000]))

    found = Library(voice=fingerprint(voice)).match(fingerprint(cut))["voice"]

    assert [7, 1] == [pytest.approx(span.held.start_s, abs=0.6) for span in found.spans]
    assert [0, 6] == [pytest.approx(span.new.start_s, abs=0.6) for span in found.spans]


@pytest.mark.parametrize("order", ["as spoken", "another"])
def test_a_recording_of_which_moments_were_cut_out_is_found_by_its_pieces(order):
    """A second and a half stays, seven tenths go, again and again: no piece is long enough to be believed alone."""
    voice = at_16k("speech_librispeech_5703_22k.ogg")
    pieces = [voice[start : start + 24_000] for start in range(0, len(voice) - 24_000, 35_200)]
    held = Library(voice=fingerprint(voice))
    cut = np.concatenate(pieces if order == "as spoken" else pieces[::2] + pieces[1::2])

    found = held.match(fingerprint(cut))["voice"]

    assert "duplicate" == found.verdict
    assert len(found.spans) >= 4
    assert found.covered > 0.5
    assert (1.0, 1.0) == pytest.approx((found.transformation.speed, found.transformation.pitch), abs=0.005)
    starts = [span.held.start_s for span in found.spans]
    assert (sorted(starts) == starts) == (order == "as spoken")


def test_what_rings_in_two_rooms_makes_no_copies():
    """A second of a trumpet, twice in each of two recordings, never at one distance: a person listens, at most."""
    ring = at_16k("music_trumpet_44k_stereo.ogg")[32_000:52_000]
    one, two = at_16k("speech_librispeech_198_16k.ogg"), at_16k("speech_librispeech_5703_22k.ogg")
    first = np.concatenate((one[:64_000], ring, one[64_000:112_000], ring, one[112_000:160_000]))
    second = np.concatenate((two[:32_000], ring, two[32_000:112_000], ring, two[112_000:160_000]))

    found = Library(first=fingerprint(first)).match(fingerprint(second))

    assert ["alike"] == [match.verdict for match in found.values()]


def test_silence_matches_nothing_not_even_itself():
    silence = fingerprint(np.zeros(160_000))

    assert {} == Library(silence=silence).match(silence)


def test_a_match_is_the_same_every_time(library):
    copy = fingerprint(noisy(at_16k(JFK)))

    assert library.match(copy) == library.match(copy)


def test_a_recording_that_was_sent_a_thousand_times_is_found_in_bounded_time():
    """Every posting list then holds a thousand postings; the answer is one of the copies, and it is quick."""
    sound = fingerprint(at_16k("speech_weather_16k.wav"))
    index, posted = MemoryIndex(), words(triples(sound.peaks))
    for number in range(3000):
        index.post(number, posted)
    stored = [sound.stored()] * 3000

    found = match_audio(sound, index.find, lambda numbers: {one: stored[one] for one in numbers})

    assert 0 < len(found) <= audio_match.PLAIN_MOST
    assert {"duplicate"} == {match.verdict for match in found}


def test_what_a_copy_explains_is_not_asked_for_again(library):
    """Words as they are find an unchanged copy; neighbouring cells are asked for of what is strange alone."""
    own = of(JFK)
    plain, doubtful = (len(np.unique(words(triples(own.peaks), doubt).word)) for doubt in (0.0, DOUBT))
    asked = []

    def find(words):
        asked.append(len(words))
        return library.index.find(words)

    match_audio(own, find, lambda numbers: {one: library.stored[one] for one in numbers})
    copy, _ = sum(asked), asked.clear()
    match_audio(of(OTHERS[0]), lambda words: asked.append(len(words)) or MemoryIndex().find(words), lambda _: {})
    stranger = sum(asked)

    assert plain <= copy < plain + 0.3 * (doubtful - plain)
    assert len(np.unique(words(triples(of(OTHERS[0]).peaks), DOUBT).word)) == stranger


def test_a_copy_is_not_compared_again_under_changes_that_say_the_same(library, monkeypatch):
    """Three seconds are explained as well by a change of a percent, and one comparison is enough."""
    compared = []
    whole = audio_match.compare_at
    monkeypatch.setattr(audio_match, "compare_at", lambda *given: compared.append(given[2]) or whole(*given))

    library.match(fingerprint(at_16k(JFK)[64_000:112_000]))

    own = [proposal for proposal in compared if proposal.recording == library.names.index("jfk")]
    assert 1 == len(own)


@pytest.mark.parametrize("seed", [1, 2])
def test_white_noise_matches_only_itself(seed):
    """Noise has content, of the kind that no other noise shares."""
    noise = [fingerprint(np.random.default_rng(number).standard_normal(80_000) * 0.1) for number in range(3)]
    library = Library(zero=noise[0], one=noise[1], two=noise[2])

    found = library.match(noise[seed])

    assert [["zero", "one", "two"][seed]] == [name for name, match in found.items() if match.verdict == "duplicate"]
