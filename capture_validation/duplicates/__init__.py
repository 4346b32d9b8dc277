"""Duplicates: the same recording whatever was done to it, and never just the same words or the same place.

Three layers, each answering more slowly and more broadly than the one before it:

    content.py   the same coded packets in another wrapper          exact, one pass over the file without decoding
    audio.py     the same sound after coding, noise, trims, speed    landmarks propose, one straight lag line decides
    video.py     the same picture after crops, mirrors, re-recording local features propose, motion decides

Everything computes what to post and what to compare; where postings are kept (`memory.py` on a laptop, a database in
the service) is the caller's business. Nothing here opens a file of its own, starts a thread or depends on chance.
"""
