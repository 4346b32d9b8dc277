"""What of a report lies in the database in clear."""

import msgspec

from api.validation import kept
from capture_validation.report import MediaFacts, Report, Still


def test_the_database_keeps_no_picture_of_a_recording():
    """Destroying a contributor's key must leave nothing to see; all else of the report stays as it was."""
    still = Still(1.0, 2, 2, b"\x80" * 6, "video.black")
    report = Report("0", "video", 1, MediaFacts("mp4", "video/mp4", 1, 3.0), None, (), stills=(still,))

    read_back = msgspec.convert(kept(report), Report)

    assert () == read_back.stills
    assert report == msgspec.structs.replace(read_back, stills=(still,))
