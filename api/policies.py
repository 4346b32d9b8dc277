"""Policies that a term sheet points to and that anybody may read."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec

from api.conditional import PUBLIC, conditional_bytes
from api.problems import problems

MARKDOWN = "text/markdown"
#: The public schedule that Illinois asks of whoever might hold biometric identifiers (740 ILCS 14/15(a)).
BIOMETRIC_RETENTION = """# Retention of biometric identifiers

This is the public retention schedule under the Illinois Biometric Information Privacy Act, 740 ILCS 14/15(a).

1. We derive no voiceprint, no scan of face geometry and no other template that tells one person from another, from any
   recording, and no buyer may. None is sold, leased, traded or profited from.
2. Faces and number plates are looked for in order to blur them. What is found is where something is in a picture, not
   whose it is; it is kept with the examination of the recording and erased with it.
3. A recording in which a person can be heard or seen is kept no longer than its term sheet says. Where a use needs a
   release under 740 ILCS 14/15(b), the recording leaves that use when its purpose is met, and at the latest three years
   after the person last dealt with us.
4. After a withdrawal a recording is deleted within the days that its term sheet names, from backups too.
5. The record that consent was given or withdrawn is kept as proof. It holds no biometric identifier.
"""


@get(
    "/v1/policies/biometric-retention",
    opt={"public": True},
    media_type=MARKDOWN,
    responses={
        200: ResponseSpec(str, generate_examples=False, media_type=MARKDOWN, description="The policy."),
        **problems(public=True),
    },
    tags=["Term sheets"],
)
async def biometric_retention(request: Request[Any, Any, Any]) -> Response[str]:
    """Read how long anything biometric is kept: the schedule that term sheets point to."""
    headers = {"Content-Language": "en"}
    return conditional_bytes(request, BIOMETRIC_RETENTION.encode(), MARKDOWN, PUBLIC, headers)


handlers = [biometric_retention]
