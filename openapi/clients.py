"""Generate the Kotlin and Swift clients from openapi/openapi.json into openapi/generated/ (not committed).

The generator comes from the development lock, jar included, and works without a network; only a Java runtime (11 or
newer) has to be there. The options are the ones that make its Kotlin compile: without kotlinx serialization and the
wrappers, unions of structs become empty classes.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import openapi_generator_cli

HERE = Path(__file__).parent
JAR = Path(openapi_generator_cli.__file__).parent / "openapi-generator.jar"
OPTIONS = {
    "kotlin": "serializationLibrary=kotlinx_serialization,generateOneOfAnyOfWrappers=true,dateLibrary=kotlinx-datetime",
    "swift6": "projectName=ContributorCompanion,responseAs=AsyncAwait",
}


def generate(generator: str, options: str, into: Path, document: Path) -> None:
    """Write one client, replacing an earlier one. Raises CalledProcessError with the generator's own words shown."""
    shutil.rmtree(into, ignore_errors=True)
    subprocess.run(
        [
            *("java", "-jar", str(JAR), "generate", "--generator-name", generator),
            *("--input-spec", str(document), "--output", str(into)),
            *("--additional-properties", options, "--global-property", "apiTests=false,modelTests=false"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def main() -> int:
    """Generate every client and say where it lies; the result is the exit status."""
    if shutil.which("java") is None:
        print(
            "Install a Java runtime, 11 or newer (Debian, Ubuntu: apt install default-jre-headless).", file=sys.stderr
        )
        return 1
    for generator, options in OPTIONS.items():
        into = HERE / "generated" / generator
        generate(generator, options, into, HERE / "openapi.json")
        sources = [path for path in into.rglob("*") if path.suffix in {".kt", ".swift"}]
        print(f"{generator}: {len(sources)} source files in {into.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
