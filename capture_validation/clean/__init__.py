"""Cleaned renditions: the copy of a recording that may leave, made anew from its pictures and its sound.

Nothing of the original file is copied: sound and pictures are decoded, changed and encoded again, so that what was
hidden in tags, tracks and streams stays behind. What came out is checked and X-rayed again before it is given out.
"""

from capture_validation.clean.choices import Choices
from capture_validation.clean.edits import Edit

__all__ = ["Choices", "Edit"]
