"""How well the checks on sound tell good recordings from spoilt ones, on recordings they were not made on.

    python -m benchmarks.accuracy ../shared/media FOLDER…

writes docs/accuracy.json, from which docs/checks.md is made. Clips are grouped by source: a speaker, a game, a
library of sound effects. Sources are dealt into two halves; limits may be moved by looking at one, and the other is
reported: what `repositories.tsv` marks. Which clips are clean is decided by `clean` before any check is run. The
recordings themselves are not in the repository; docs/checks.md says which packages they came from, and
`repositories.tsv` which repositories: a folder `fresh` holds clones of them as owner/name.
"""
