"""Papers to keep: PDF from a template and facts, set by Typst with fonts that come along.

A contributor takes a receipt or the terms to somebody who has neither the app nor a network, so these documents are
PDF/A-2a: archived for decades, tagged for screen readers, every font inside. The same facts give the same bytes.

A template is a file of `templates/`; it begins with `#import "paper.typ": *` and finds its facts in `facts`. Latin
letters are set in Noto Sans and Hindi in Noto Sans Devanagari (SIL Open Font License, `fonts/OFL.txt`), cut down to the
characters that our languages use.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"


@cache
def fonts() -> typst.Fonts:
    """Load our fonts, and none of the machine's: a paper looks the same wherever it is set."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(HERE / "fonts")])


def pdf(template: str, facts: Mapping[str, Any], at: datetime) -> bytes:
    """Set one paper; `facts` is plain JSON with at least `locale` and `title`, `at` is the date in its properties.

    It takes tens of milliseconds and blocks: from a handler, use `set_paper`. A name in letters that our fonts lack is
    set as boxes, and such a paper is an ordinary PDF: PDF/A forbids boxes, and a receipt must be had all the same.
    """
    compiler = typst.Compiler(
        str(TEMPLATES / f"{template}.typ"),
        root=str(TEMPLATES),
        font_paths=fonts(),
        ignore_system_fonts=True,
        sys_inputs={"facts": json.dumps(facts)},
    )
    when = int(at.timestamp())
    try:
        return _bytes(compiler.compile(format="pdf", timestamp=when, pdf_standards="a-2a"))
    except typst.TypstError as error:
        if "could not be displayed with" not in error.message:
            raise
        return _bytes(compiler.compile(format="pdf", timestamp=when))


def _bytes(made: bytes | list[bytes] | None) -> bytes:
    assert isinstance(made, bytes)  # noqa: S101 - only PNG and SVG have a file for each page.
    return made


async def set_paper(template: str, facts: Mapping[str, Any], at: datetime) -> bytes:
    """Set one paper on a thread of its own, so that nobody else waits for it."""
    return await asyncio.to_thread(pdf, template, facts, at)
