"""Tables that somebody opens in a spreadsheet."""


def inert(text: str | None) -> str:
    """Make a text into a cell that is only text: one that begins like a formula would be run by the spreadsheet."""
    return "'" + text if text and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text or ""
