"""`python -m benchmarks.duplicates [--sources N] [--others | --cuts] FOLDER…`: the tables of docs/duplicates.md."""

import argparse
from pathlib import Path

from benchmarks.duplicates import audio, video

MEDIA = Path(__file__).parents[3] / "shared" / "media"


def main() -> None:
    """Read the folders, run both halves, print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="more recordings; see corpus.py")
    parser.add_argument("--media", type=Path, default=MEDIA, help="the shared test media")
    parser.add_argument("--sources", type=int, default=40, help="how many recordings to copy")
    parser.add_argument("--only", choices=("audio", "video"))
    copies = parser.add_mutually_exclusive_group()
    copies.add_argument("--others", dest="made_by", action="store_const", const="others", default="transforms",
                        help="copies by transforms that nothing was tuned on")  # fmt: skip
    copies.add_argument("--cuts", dest="made_by", action="store_const", const="cuts",
                        help="copies of what lasts 8 s and more, cut to pieces")  # fmt: skip
    options = parser.parse_args()
    if options.only != "video":
        audio.main([options.media, *options.folders], options.sources, options.made_by)
    if options.only != "audio":
        video.main(options.media)


if __name__ == "__main__":
    main()
