"""What an X-ray's findings are called, in words that a person reads."""

from capture_validation.xray.findings import SightingKind, TraceKind, Verdict

TRACES: dict[TraceKind, str] = {
    "location": "Where it was made",
    "telemetry": "Motion or position tracks",
    "device": "The device",
    "words": "Words in the file",
    "time": "When it was made",
    "software": "The software",
}
CHECKED: dict[SightingKind, str] = {
    "faces": "Faces",
    "text": "Readable text or plates",
    "screens": "Screens",
    "voices": "Voices of bystanders",
}
VERDICTS: dict[Verdict, str] = {"found": "found", "nothing_found": "nothing found", "not_checked": "not checked"}
