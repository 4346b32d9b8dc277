"""What a recording consists of, for tests that look at one kind of it."""

from capture_validation.decode import AudioBlock, OpenRecording, VideoFrame


def blocks(recording: OpenRecording) -> list[AudioBlock]:
    """All of its sound."""
    return [part for part in recording.read() if isinstance(part, AudioBlock)]


def pictures(recording: OpenRecording) -> list[VideoFrame]:
    """All of its pictures, forgotten one by one as the next is read."""
    return [part for part in recording.read() if isinstance(part, VideoFrame)]
