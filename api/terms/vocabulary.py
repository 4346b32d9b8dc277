"""The closed vocabularies of a term sheet.

Cards exist in eight languages, so what a sheet can say is a list: a use without a word for it in Hindi could not be
shown to somebody who reads Hindi, and could not bind them. Adding a code means adding its words to every file of
`texts/`; a test fails until they are there.
"""

from typing import Literal, TypeAlias

Use: TypeAlias = Literal[
    "advertising",
    "annotation",
    "asr_training",
    "audio_captioning",
    "emotion_recognition",
    "evaluation",
    "face_recognition",
    "generative_likeness",
    "generative_sound_training",
    "generative_video_training",
    "health_inference",
    "language_identification",
    "law_enforcement",
    "licence_plate_reading",
    "noise_reduction",
    "person_tracking",
    "public_release",
    "scene_understanding",
    "sound_event_detection",
    "speaker_recognition",
    "speech_surveillance",
    "tts_training",
    "voice_cloning",
]
#: Uses that touch who somebody is (GDPR Art. 9(1); BIPA, 740 ILCS 14/10): never part of an offer's core.
SENSITIVE: frozenset[str] = frozenset({
    "emotion_recognition", "face_recognition", "generative_likeness", "health_inference", "licence_plate_reading",
    "person_tracking", "speaker_recognition", "voice_cloning",
})  # fmt: skip
#: Uses that tell one person from another. No consent makes them lawful in Illinois (740 ILCS 14/15(c)).
IDENTIFYING: frozenset[str] = frozenset({
    "face_recognition", "licence_plate_reading", "person_tracking", "speaker_recognition", "voice_cloning",
})  # fmt: skip
#: Uses that make something look or sound like the contributor.
LIKENESS: frozenset[str] = frozenset({"generative_likeness", "voice_cloning"})

Stance: TypeAlias = Literal["core", "optional", "prohibited"]
Condition: TypeAlias = Literal["many_speakers_only", "never_sounds_like_you", "never_shows_a_person", "never_shows_you"]
MediaKind: TypeAlias = Literal["audio", "video"]
Delivered: TypeAlias = Literal["recording", "recording_with_faces_and_plates_blurred", "transcript", "labels"]
Metadata: TypeAlias = Literal[
    "language",
    "accent",
    "device_model",
    "sample_rate",
    "frame_rate",
    "resolution",
    "loudness",
    "day",
    "time",
    "age_band",
    "gender",
]
#: What describes the recording and not the person.
TECHNICAL_METADATA: frozenset[str] = frozenset({
    "day", "device_model", "frame_rate", "language", "loudness", "resolution", "sample_rate",
})  # fmt: skip
Location: TypeAlias = Literal["never", "country_only", "region", "exact"]
Sound: TypeAlias = Literal["kept", "removed"]
Sector: TypeAlias = Literal[
    "surveillance",
    "military",
    "political_persuasion",
    "law_enforcement",
    "gambling",
    "data_brokerage",
    "credit_scoring",
    "insurance",
]
Disclosure: TypeAlias = Literal["named_at_sale", "named_on_request", "sector_only", "secret"]
Exclusivity: TypeAlias = Literal["non_exclusive", "sole", "exclusive"]
SublicenceCondition: TypeAlias = Literal["named", "same_or_narrower", "withdrawal_passes_down"]
DerivativeKind: TypeAlias = Literal["dataset", "annotation", "model", "synthetic_recording", "synthetic_voice"]
WithdrawalScope: TypeAlias = Literal["recording", "use", "account"]
Undone: TypeAlias = Literal["new_sales", "new_training", "stored_copies"]
NotUndone: TypeAlias = Literal["models_already_trained", "uses_already_finished"]
Likeness: TypeAlias = Literal["prohibited", "with_separate_consent"]
Attribution: TypeAlias = Literal["opt_in", "never", "always"]
Basis: TypeAlias = Literal["accepted_speech", "accepted_duration"]
BonusBasis: TypeAlias = Literal["published_score", "discretion"]
RoyaltyEvent: TypeAlias = Literal["dataset_sale", "derivative_sale"]
Schedule: TypeAlias = Literal["on_request", "monthly", "quarterly"]
Payer: TypeAlias = Literal["platform", "contributor"]
AccountClose: TypeAlias = Literal["paid_in_full", "forfeited_below_threshold"]
Method: TypeAlias = Literal["sepa_credit_transfer", "payout_file"]
Duty: TypeAlias = Literal["own_recording", "everyone_heard_agreed", "public_place", "no_close_ups_of_people"]
LiabilityCap: TypeAlias = Literal["amount_earned", "law_only", "unlimited"]
Indemnity: TypeAlias = Literal["none", "own_fault", "any_claim"]
Bystanders: TypeAlias = Literal["release_or_removed", "blurred_before_delivery", "contributor_answers"]
Venue: TypeAlias = Literal["contributor_home", "licensee_home"]
Arbitration: TypeAlias = Literal["none", "optional", "mandatory"]
