"""Channels: mono, stereo or more."""

from capture_validation.check import AudioCheck, Measurement, information
from capture_validation.decode import AudioTrack
from capture_validation.sound import Sound


class Channels(AudioCheck):
    """Number of channels that were decoded, whatever the file claims.

    One is right for a voice; a campaign about places or music may ask for two. What the channels hold is measured by
    others (`audio.channel_balance`, `audio.channel_difference`).

    Result: 1…8.
    """

    name = "audio.channels"
    title = "Channels"
    unit = "channels"
    profiles = {name: information() for name in ("speech", "conversation", "ambient", "music", "video")}
    sentences = {
        "passed": "Channels in your recording: {value}.",
        "too-low": "Your recording has too few channels: {value}; at least {minimum} are needed.",
        "too-high": "Your recording has too many channels: {value}; at most {maximum} are wanted.",
    }
    fix = "Choose mono (1 channel) or stereo (2 channels) in your recorder's settings, as the campaign asks."
    false_alarms = "None known: channels are counted, not estimated."
    source = "The decoder."

    def start(self, track: AudioTrack) -> None:
        self.channels = track.channels

    def feed(self, sound: Sound) -> None:
        """Nothing to hear: the track has said it."""

    def measure(self) -> Measurement:
        return Measurement(self.channels)
