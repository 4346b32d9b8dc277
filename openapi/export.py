"""Write openapi/openapi.json from the routes, or check that the committed one still describes them.

    python openapi/export.py            write the file
    python openapi/export.py --check    exit with status 1 and show the difference when it is stale

Keys are sorted, so that a line in a pull request's difference is a change of the contract and nothing else.
"""

import difflib
import json
import sys
from pathlib import Path

from api.reference import document

FILE = Path(__file__).parent / "openapi.json"


def current() -> str:
    """The document of the routes as they are now; nothing connects to anything while they are described."""
    return json.dumps(json.loads(document()), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def drift(committed: str, now: str) -> str:
    """What changed between the committed document and the routes, as a unified difference; empty when nothing did."""
    lines = difflib.unified_diff(
        committed.splitlines(), now.splitlines(), "openapi/openapi.json", "the routes", lineterm="", n=2
    )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write or check, and say which; the result is the exit status."""
    if arguments == ["--check"]:
        difference = drift(FILE.read_text(encoding="utf-8") if FILE.exists() else "", current())
        print(
            f"{difference}\nThe routes changed: run `make openapi` and commit the file."
            if difference
            else "OpenAPI: no drift."
        )
        return 1 if difference else 0
    FILE.write_text(current(), encoding="utf-8")
    print(f"Wrote {FILE.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
