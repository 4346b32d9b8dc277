"""Duplicates: what is found at zero false accusations, after everything people do to a file, and what it costs."""
