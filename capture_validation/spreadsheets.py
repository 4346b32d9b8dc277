"""Tables that somebody opens in a spreadsheet."""

#: How a formula begins, also as Chinese and Japanese keyboards write it (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert(text: str | None) -> str:
    """Make a text into a cell that is only text: one that begins like a formula would be run by the spreadsheet."""
    return "'" + text if text and text.startswith(FORMULA) else text or ""
