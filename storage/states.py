"""The states of a recording; which moves between them are allowed is a table of the database."""

from typing import Literal

State = Literal[
    "claimed",
    "uploading",
    "validating",
    "failed",
    "needs_fix",
    "needs_consent",
    "in_review",
    "accepted",
    "held",
    "rejected",
    "replaced",
    "withdrawn",
    "expired",
    "deleted",
    "erased",
]
