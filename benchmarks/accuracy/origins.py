"""Where the clips come from: what a path says about their kind, and whose recordings they are."""

import functools
import re
from pathlib import Path
from typing import Literal, cast

Kind = Literal["speech", "conversation", "ambient", "music"]

#: Repositories lie below a folder of this name as owner/name.
UNSEEN = "/fresh/"

#: What a path says about the kind of its recordings; the first that fits counts, and what fits nothing is left out.
KINDS: tuple[tuple[str, Kind | None], ...] = (
    (r"shared/media/speech_voicememo", None),  # Nobody speaks in it.
    (r"shared/media/speech_", "speech"),
    (r"shared/media/ambient_", "ambient"),
    (r"shared/media/music_", "music"),
    (r"asterisk/sounds/\w+/[\w-]+\.g722$", "speech"),  # The folders below hold silence, tones and single letters.
    (r"ktuberling/sounds/.*/(say|tux)-(zzz|laugh)\.", None),  # Snoring and laughter.
    (r"ktuberling/sounds/", "speech"),
    (r"stamps/.*_desc_", "speech"),
    (r"stamps/", "ambient"),
    (r"fillets-ng/sound/.*/[a-z]+-[mv]-[^/]*$", "speech"),
    (r"unknown-horizons/.*/voice/", "speech"),
    (r"(lincity-ng|pathological|asc|singularity|hyperrogue|unknown-horizons|fillets-ng|widelands)/.*music/", "music"),
    (r"(asc|singularity|hyperrogue|fillets-ng|widelands)/music/", "music"),
    (r"lomiri/ringtones/", "music"),
    (r"lincity-ng.*/sounds/|unknown-horizons/.*/sounds/", "ambient"),
)

#: The same for repositories, and whose the recording is: the collection, and its part or speaker. Parts after a space
#: share a room, a crowd or a maker, and are dealt to one half together; those after a hyphen have nothing in common.
REPOSITORIES = Path(__file__).parent / "repositories.tsv"


def kind_of(file: Path) -> Kind | None:
    """What kind of recording a file is, by its path."""
    if UNSEEN in file.as_posix():
        found = repository(file)
        return found[0] if found else None
    return next((kind for pattern, kind in KINDS if re.search(pattern, file.as_posix())), None)


def repository(file: Path) -> tuple[Kind | None, str, str] | None:
    """Kind and source of a file of a repository, and how it is marked; None where no pattern fits."""
    for kind, source, pattern, mark in rows():
        if found := pattern.search(file.as_posix()):
            return kind, found.expand(source) if kind else "", mark
    return None


@functools.cache
def rows() -> list[tuple[Kind | None, str, re.Pattern[str], str]]:
    """Kind, source, pattern, and their mark: `new`, `claim` or nothing; in their order."""
    lines = REPOSITORIES.read_text(encoding="utf-8").splitlines()
    parts = [line.split("\t") for line in lines if not line.startswith("#")]
    return [
        (cast("Kind", kind) if kind != "-" else None, source, re.compile(path), "".join(mark))
        for kind, source, path, *mark in parts
    ]


def source_of(file: Path) -> str:
    """Whose recording it is: the speaker of a language in a collection, or the collection."""
    if UNSEEN in file.as_posix():
        found = repository(file)
        return found[1] if found else ""
    if spoken := re.search(r"_desc_([a-zA-Z_]+)\.\w+$", file.name):
        return f"stamps {spoken[1]}"
    if file.parent.name == "media":
        return "_".join(file.stem.split("_")[:2])
    if acted := re.search(r"fillets-ng/sound/.*/(\w\w)/[a-z]+-([mv])-", file.as_posix()):
        # Each language has one actor for the small fish and one for the big one.
        return f"fillets {acted[1]} {acted[2]}"
    place = re.search(r"(sounds/[\w@]+$|stamps/\w+/\w+|voice/\w\w)", file.parent.as_posix())
    return place[1] if place else file.parent.as_posix().rsplit("/usr/", 1)[-1]


def collection_of(source: str) -> str:
    """The collection that a source is of."""
    return re.split(r"[ -]", source, maxsplit=1)[0]


def reported(file: Path) -> bool:
    """Whether a recording is in the half that no limit is chosen by: one of the newest claim, or of a new source."""
    found = repository(file) if UNSEEN in file.as_posix() else None
    return found is not None and found[2] in {"new", "claim"}


def claimed(file: Path) -> bool:
    """Whether a recording is one of those that the newest claim is made of."""
    found = repository(file) if UNSEEN in file.as_posix() else None
    return found is not None and found[2] == "claim"
