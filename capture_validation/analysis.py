"""One pass over a recording: decode once, let every check look, judge what they measured.

This is what runs inside the sandbox. It opens nothing but the file it is given and keeps no more of it than one block.
"""

import math
from collections.abc import Iterable, Sequence
from typing import BinaryIO, Protocol

from msgspec import Struct, structs

from capture_validation import checks
from capture_validation.capacity import CAPACITY, Capacity
from capture_validation.check import AudioCheck, Check, Measurement, VideoCheck
from capture_validation.curves import GrowingCurve
from capture_validation.decode import (
    AudioBlock,
    AudioTrack,
    OpenRecording,
    TrackEnd,
    VideoFrame,
    VideoTrack,
    open_recording,
)
from capture_validation.errors import Unreadable
from capture_validation.grid import decibel
from capture_validation.judge import judge
from capture_validation.pixels import Gray, Pixels
from capture_validation.profile import Profile
from capture_validation.report import (
    AudioFacts,
    CheckResult,
    Curve,
    MediaFacts,
    Rejection,
    Report,
    Spectrogram,
    Tier,
    VideoFacts,
    most_important_first,
)
from capture_validation.sound import Sound, Stretches, level_length
from capture_validation.spectrogram import GrowingSpectrogram
from capture_validation.speech import Speech
from capture_validation.stills import Stills
from capture_validation.version import VERSION

#: Frames that checks of every frame are shown at once, half a second of them. Decoding one empties the processor's
#: caches of all else, so a few lines of Python that come between two cost several times what they cost in a row.
TOGETHER = 15
#: Pictures below which the instant tier says nothing of how they look: the worst quarter of three is one of them. Some
#: encoders begin a group only every ten seconds, and a film that fades in from black would be too dark as a whole.
FEWEST = 4


class Observer(Protocol):
    """Whoever looks at a recording while it is decoded for the checks."""

    def start(self, recording: OpenRecording) -> None:
        """Begin with a recording of which nothing was read yet."""

    def feed(self, part: AudioBlock | VideoFrame) -> None:
        """Take the next block of sound or the next picture."""


def analyse(
    file: BinaryIO,
    profile: Profile,
    capacity: Capacity = CAPACITY,
    prompt: str | None = None,
    beside: Sequence[Observer] = (),
    tier: Tier = "full",
) -> Report:
    """Examine a recording by the rules of a profile; `prompt` is the text that was to be read, where there was one.

    The instant `tier` decodes some pictures of each group and knows the times of all; the sound is heard whole.
    Observers `beside` see what the checks see, so that a recording is decoded once for all. A file that cannot be
    examined gives a report with a rejection and no checks, never an exception: the contributor is owed a reason either
    way. `file` is read from anywhere and stays open.
    """
    try:
        with open_recording(file, capacity, tier) as recording:
            return _examined(recording, profile, prompt, beside)
    except Unreadable as reason:
        return profile.rejected(Rejection(reason.code, reason.parameters))


def _examined(recording: OpenRecording, profile: Profile, prompt: str | None, beside: Sequence[Observer]) -> Report:
    _expect(recording, profile)
    for observer in beside:
        observer.start(recording)
    heard = Hearing(recording.audio, profile, prompt)
    seen = Watching(recording.video, profile, recording.tier)
    stills = Stills(recording.video.color_transfer if recording.video else None)
    for part in recording.read():
        for observer in beside:
            observer.feed(part)
        if isinstance(part, VideoFrame):
            seen.take(part)
            stills.take(part)
        else:
            heard.take(part)
    seen.follow(recording.picture_times)
    sound = recording.audio_end if recording.audio else None
    picture = recording.video_end if recording.video else None
    results = most_important_first(heard.results(sound, picture) + seen.results(picture, sound))
    return Report(
        library=VERSION,
        profile=profile.name,
        profile_version=profile.version,
        media=_facts(recording),
        rejection=None,
        checks=results,
        curves=heard.curves() + seen.curves(),
        spectrogram=heard.spectrogram(),
        stills=stills.chosen([result for result in results if result.name.startswith("video.")]),
        tier=recording.tier,
    )


def _expect(recording: OpenRecording, profile: Profile) -> None:
    """Refuse a file without the track its profile is about: a silent film is no answer to a reading campaign."""
    if profile.media == "audio" and recording.audio is None:
        raise Unreadable("no-sound")
    if profile.media == "video" and recording.video is None:
        if unread := recording.unread_picture:
            raise Unreadable("codec-unsupported", codec=unread)
        raise Unreadable("no-picture")


class Hearing:
    """The sound track, every check that listens to it, and its level over time."""

    def __init__(self, track: AudioTrack | None, profile: Profile, prompt: str | None = None) -> None:
        self.track = track
        self.checks = [check for check in _due(profile) if isinstance(check, AudioCheck)]
        # Listening for voices costs as much as all other checks together, so it is done only where one asks.
        self.speech = Speech() if any(check.about_speech for check in self.checks) else None
        self.prompt = prompt
        if track is None:
            return
        step_s = level_length(track.sample_rate) / track.sample_rate
        self.level = GrowingCurve("level", "dBFS", step_s)
        self.peak = GrowingCurve("peak", "dBFS", step_s, "max")
        self.pitches = GrowingSpectrogram(track.sample_rate)
        self.stretches = Stretches(track.sample_rate)
        for check in self.checks:
            check.start(track)

    def take(self, block: AudioBlock) -> None:
        """Let every check hear the next block."""
        sound = self.stretches.take(block.samples)
        self._draw(sound)
        if self.speech is not None:
            self.speech.add(sound)
        for check in self.checks:
            check.feed(sound)

    def _draw(self, sound: Sound) -> None:
        frames = sound.level_samples
        if frames.shape[1]:
            self.level.add_steps(sound.first_level, sound.loudest)
            self.peak.add_steps(sound.first_level, abs(frames).max(axis=(0, 2)) ** 2)
        self.pitches.add(sound.first_spectrum, sound.spectra)

    def results(self, end: TrackEnd | None, other: TrackEnd | None = None) -> tuple[CheckResult, ...]:
        """Every check's verdict, once this track and the `other` have ended."""
        if self.speech is not None:
            for check in self.checks:
                check.spoken(self.speech, self.prompt)
        return _verdicts(self.checks, end if self.track else None, other, self.speech)

    def curves(self) -> tuple[Curve, ...]:
        """Level and peak over time in dBFS, then what the checks themselves drew."""
        if self.track is None:
            return ()
        own = (self.level.curve(decibel), self.peak.curve(decibel))
        return own + tuple(curve for check in self.checks for curve in check.curves())

    def spectrogram(self) -> Spectrogram | None:
        """Which pitches sound when."""
        return None if self.track is None else self.pitches.spectrogram()


class Watching:
    """The picture track and every check that looks at it, each as often as it wants to."""

    def __init__(self, track: VideoTrack | None, profile: Profile, tier: Tier = "full") -> None:
        self.track = track
        self.tier = tier
        self.checks = [check for check in _due(profile) if isinstance(check, VideoCheck)]
        self.due_s = [-math.inf] * len(self.checks)
        shown = [(number, check) for number, check in enumerate(self.checks) if tier == "full" or in_part(check)]
        self.always = [check for _, check in shown if not check.frames_per_second]
        self.timed = [(number, check) for number, check in shown if check.frames_per_second]
        self.next_s = -math.inf
        self.glances = any(check.glances for check in self.always)
        self.waiting: list[Pixels] = []
        self.glanced: Gray | None = None
        self.shown = 0
        if track is not None:
            for check in self.checks:
                check.start(track)

    def take(self, frame: VideoFrame) -> None:
        """Show the next frame to the checks for which it is time; those that want all get them some at a time."""
        pixels = Pixels(frame, self.track.color_transfer if self.track else None)
        if self.glances:
            pixels.glance()
        self.shown += 1
        self.waiting.append(pixels)
        if len(self.waiting) >= TOGETHER:
            self._catch_up()
        # Most frames are due for no other check, and finding that out one by one costs as much as some of them.
        if frame.at_s >= self.next_s:
            for number, check in self.timed:
                if frame.at_s >= self.due_s[number]:
                    check.feed(pixels)
                    # The next frame is due on a grid common to all checks, so that they share what one frame costs.
                    rate = check.frames_per_second
                    self.due_s[number] = (math.floor(frame.at_s * rate + 1e-6) + 1) / rate - 1e-6
            self.next_s = min((self.due_s[number] for number, _ in self.timed), default=math.inf)

    def _catch_up(self) -> None:
        """Show what waits to the checks that want every frame."""
        for pixels in self.waiting:
            if self.glances:
                pixels.follow(self.glanced)
                self.glanced = pixels.small
            for check in self.always:
                check.feed(pixels)
        self.waiting.clear()

    def follow(self, times: Iterable[float]) -> None:
        """Tell the checks that only ask for times when each picture is shown; the full tier has shown them all."""
        for check in self.checks:
            if check.times_only:
                for at_s in sorted(times):
                    check.feed(Moment(at_s))  # type: ignore[arg-type]

    def results(self, end: TrackEnd | None, other: TrackEnd | None = None) -> tuple[CheckResult, ...]:
        """Every check's verdict, once this track and the `other` have ended."""
        self._catch_up()
        verdicts = _verdicts(self.checks, end if self.track else None, other)
        if self.tier == "full":
            return verdicts
        few = end is not None and self.shown < min(FEWEST, end.frames)
        return tuple(
            untold(verdict) if check.full_tier_only or (few and check.frames_per_second) else verdict
            for check, verdict in zip(self.checks, verdicts, strict=True)
        )

    def curves(self) -> tuple[Curve, ...]:
        """What the checks drew over time."""
        return tuple(curve for check in self.checks for curve in check.curves()) if self.track else ()


def in_part(check: VideoCheck) -> bool:
    """Whether the instant tier shows a check the pictures that it decodes."""
    return not (check.times_only or check.full_tier_only)


class Moment(Struct, frozen=True):
    """A picture that was not decoded: when it is shown, in seconds."""

    at_s: float


def untold(verdict: CheckResult) -> CheckResult:
    """Say of a check that only the full tier can give its verdict."""
    return structs.replace(
        verdict, status="not_applicable", code="needs-full-tier", value=None, spans=(), parameters={}
    )


def _due(profile: Profile) -> list[Check]:
    published = checks.published()
    return [published[name](rule) for name, rule in profile.rules.items() if rule.requirement != "off"]


def _verdicts(
    due: list[AudioCheck] | list[VideoCheck],
    end: TrackEnd | None,
    other: TrackEnd | None,
    speech: Speech | None = None,
) -> tuple[CheckResult, ...]:
    """Judge every check; a track that does not exist, or holds nothing, gives nothing to measure."""
    voiceless = speech is not None and not speech.spoken_s
    results = []
    for check in due:
        measurement = Measurement(None)
        if end is not None:
            check.end(end)
            check.beside(other)
        if voiceless and isinstance(check, AudioCheck) and check.only_in_speech:
            # What it would say of a voice, a waterfall must not be told.
            measurement = Measurement(None)
        elif end is not None or check.measures_absence:
            measurement = check.measure()
        results.append(judge(type(check), check.rule, measurement))
    return tuple(results)


def _facts(recording: OpenRecording) -> MediaFacts:
    ends = [end for end in (recording.audio_end, recording.video_end) if end is not None]
    return MediaFacts(
        container=recording.container.format,
        media_type=recording.container.media_type,
        size_bytes=recording.container.size_bytes,
        duration_s=round(max((end.decoded_duration_s for end in ends), default=0.0), 3),
        audio=_audio_facts(recording.audio) if recording.audio else None,
        video=_video_facts(recording.video) if recording.video else None,
    )


def _audio_facts(track: AudioTrack) -> AudioFacts:
    return AudioFacts(track.codec, track.sample_rate, track.channels, track.sample_format, track.bit_rate)


def _video_facts(track: VideoTrack) -> VideoFacts:
    return VideoFacts(
        codec=track.codec,
        width=track.width,
        height=track.height,
        rotation_deg=track.rotation_deg,
        frame_rate=track.frame_rate_avg or 0.0,
        pixel_format=track.pixel_format,
    )
