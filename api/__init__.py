"""HTTP, and the worker: the only package that knows both what is stored and how a recording is examined."""
