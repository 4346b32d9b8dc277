"""Profiles, a campaign's own rules, and what a phone is told."""

import msgspec
import pytest

from capture_validation import checks
from capture_validation.capacity import CAPACITY
from capture_validation.check import VideoCheck
from capture_validation.errors import InvalidRule, UnknownProfile
from capture_validation.profile import capture_profile, consistent, override, profile, published
from capture_validation.report import Limit


def test_every_rule_of_every_check_lands_in_a_published_profile():
    for name, check in checks.published().items():
        for rules in check.profiles:
            assert check.profiles[rules] == published()[rules].rules[name]


def test_every_published_rule_is_consistent():
    assert [] == [
        (rules.name, name)
        for rules in published().values()
        for name, rule in rules.rules.items()
        if not consistent(rule.limit)
    ]


def test_profiles_of_sound_hold_no_picture_checks():
    for rules in published().values():
        pictures = [name for name in rules.rules if issubclass(checks.published()[name], VideoCheck)]
        assert (rules.media == "video") == bool(pictures)


def test_an_unknown_profile_is_refused_with_the_names_that_exist():
    with pytest.raises(UnknownProfile, match="speech, conversation"):
        profile("opera")


def test_a_campaign_moves_one_bound_and_the_rest_stays():
    speech = profile("speech")

    own = override(speech, {"audio.duration": {"maximum": 30.0, "reject_maximum": 60}})

    before, after = speech.rules["audio.duration"], own.rules["audio.duration"]
    assert (before.limit.minimum, 30.0, 60.0) == (after.limit.minimum, after.limit.maximum, after.limit.reject_maximum)
    assert before.requirement == after.requirement
    assert speech.rules["audio.loudness"] == own.rules["audio.loudness"]
    assert profile("speech") == speech


def test_a_campaign_removes_a_bound_with_null_and_switches_a_check_off():
    own = override(profile("speech"), {"audio.loudness": {"maximum": None, "reject_maximum": None}})
    off = override(profile("speech"), {"audio.loudness": {"requirement": "off"}})

    assert own.rules["audio.loudness"].limit.maximum is None
    assert "off" == off.rules["audio.loudness"].requirement


def test_a_campaign_may_ask_for_a_check_the_profile_does_not_run():
    assert "audio.signal_to_noise" not in profile("ambient").rules

    own = override(profile("ambient"), {"audio.signal_to_noise": {"minimum": 10}})

    assert Limit(minimum=10.0) == own.rules["audio.signal_to_noise"].limit


@pytest.mark.parametrize("rules", [
    {"audio.loudness": {"maximum": "loud"}},
    {"audio.loudness": {"loudest": 3}},
    {"audio.loudness": 3},
    {"audio.loudness": {"minimum": -5, "maximum": -20}},
    {"audio.loudness": {"reject_minimum": -20}},
    {"audio.loudness": {"requirement": "maybe"}},
    {"video.duration": {"minimum": 3}},
])  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(rules):
    with pytest.raises(InvalidRule):
        override(profile("speech"), rules)


def test_a_rule_for_a_check_nobody_has_is_refused():
    with pytest.raises(UnknownProfile, match=r"audio\.beauty"):
        override(profile("speech"), {"audio.beauty": {"minimum": 3}})


@pytest.mark.parametrize("name", list(published()))
def test_a_phone_is_told_every_rule_with_what_helps(name):
    told = capture_profile(profile(name), CAPACITY)

    assert list(profile(name).rules) == [rule.name for rule in told.rules]
    assert all(rule.title and rule.fix for rule in told.rules)
    assert told == msgspec.json.decode(msgspec.json.encode(told), type=type(told))


def test_a_phone_is_not_told_of_checks_that_are_off():
    off = override(profile("speech"), {"audio.loudness": {"requirement": "off"}})

    assert "audio.loudness" not in [rule.name for rule in capture_profile(off).rules]
