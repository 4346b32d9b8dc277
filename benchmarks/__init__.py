"""Measurements of the hot paths, side by side with a named peer, on the machine that runs them."""
