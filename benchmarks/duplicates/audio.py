"""Sound: recall per transform at zero false accusations, cost and size, beside Chromaprint where it is installed."""

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.duplicates import audio_cuts, chromaprint, corpus
from benchmarks.duplicates.audio_others import others
from benchmarks.duplicates.audio_transforms import RATE, Samples, Transform, transforms
from benchmarks.duplicates.corpus import copied, print_of, shares_audio, sounds
from capture_validation.duplicates import audio_match
from capture_validation.duplicates.audio import AudioFingerprint, StoredAudio
from capture_validation.duplicates.audio_match import match_audio
from capture_validation.duplicates.audio_words import triples, words
from capture_validation.duplicates.memory import MemoryIndex

#: The limit is this much above the strongest stranger of the other half.
ABOVE = 1.2
NOISE = "ambient_bbb_"

#: A stranger: evidence, new recording, held recording.
Wrong = tuple[float, str, str]


def main(folders: list[Path], sources: int, made_by: str = "transforms") -> None:
    """Hold everything, look for copies of some and for strangers among all, print one table.

    `made_by`: `transforms`, those of the design; `others`, which nothing was tuned on; or `cuts`.
    """
    held = dict(sounds(folders))
    noise = next(samples for name, samples in held.items() if NOISE in name and len(samples) > RATE)
    held = {name: samples for name, samples in held.items() if NOISE not in name and len(samples) > RATE // 4}
    bench = Bench(held)
    bench.hold()
    strangers = bench.strangers()
    shortest_s = audio_cuts.SHORTEST_S if made_by == "cuts" else corpus.SHORTEST_S
    halves = {name: number % 2 for number, name in enumerate(copied(held, sources, shortest_s))}
    found = bench.copies(halves, table(made_by, bench, halves), noise, strangers)
    bench.report(halves, sorted(strangers, reverse=True), found)


def table(made_by: str, bench: "Bench", sources: dict[str, int]) -> dict[str, Transform]:
    """The transforms that copies are made by."""
    if made_by == "transforms":
        return transforms()
    music, voice = (next(bench.apart(word, sources)) for word in ("music", "speech"))
    return others(music, voice) if made_by == "others" else audio_cuts.cuts(music)


class Bench:
    """One run: the held recordings, their index, and what the queries cost."""

    def __init__(self, held: dict[str, Samples]) -> None:
        self.held = held
        self.names = list(held)
        self.index = MemoryIndex()
        self.prints: list[AudioFingerprint] = []
        self.stored: list[StoredAudio] = []
        self.cpu_s: dict[str, float] = defaultdict(float)
        self.asked_s: dict[str, float] = defaultdict(float)
        self.peer: dict[str, list[float]] = defaultdict(list)
        # Everything that was compared is wanted here, not only what a person should see.
        audio_match.DOUBTFUL = 2.0

    def hold(self) -> None:
        """Fingerprint and post everything; print cost and size."""
        begin = time.process_time()
        self.prints = [print_of(samples) for samples in self.held.values()]
        ingest = time.process_time() - begin
        self.stored = [one.stored() for one in self.prints]
        for number, one in enumerate(self.prints):
            self.index.post(number, words(triples(one.peaks)))
        seconds = sum(one.seconds for one in self.prints)
        size = sum(len(one.to_bytes()) for one in self.stored)
        print(f"held: {len(self.names)} recordings, {seconds / 60:.0f} minutes")
        print(f"ingest: {seconds / ingest:.0f} times real time (goal 1,000)")
        print(f"stored: {size / seconds * 3.6e-3:.2f} MB/h and {len(self.index) / seconds:.1f} words/s, with 8 bytes a "
              f"word {(size + 8 * len(self.index)) / seconds * 3.6e-3:.2f} MB/h (goal 2)")  # fmt: skip

    def strangers(self) -> list[Wrong]:
        """Every held recording as a new one against all others; pairs that truly share audio are left out."""
        wrong = []
        for number, one in enumerate(self.prints):
            for found in self._ask(one, "held recordings again"):
                name, held = self.names[number], self.names[found.recording]
                if found.recording != number and found.strength > 4 and self._strange(name, held):
                    wrong.append((found.strength, name, held))
        return wrong

    def _strange(self, one: str, two: str) -> bool:
        return not shares_audio(self.held[one], self.held[two])

    def apart(self, word: str, sources: dict[str, int]) -> Iterator[Samples]:
        """Recordings of eight seconds or more, with a word in their name, of which no copies are made."""
        for name, samples in self.held.items():
            if word in name and name not in sources and len(samples) > 8 * RATE:
                yield samples

    def copies(
        self, sources: dict[str, int], table: dict[str, Transform], noise: Samples, wrong: list[Wrong]
    ) -> dict[str, list[tuple[float, int]]]:
        """Evidence and half of every copy, by transform; strangers that a copy finds are added to `wrong`."""
        found: dict[str, list[tuple[float, int]]] = defaultdict(list)
        references = {name: chromaprint.raw(self.held[name], RATE) for name in sources}
        for number, (source, half) in enumerate(sources.items()):
            for order, (name, change) in enumerate(table.items()):
                made, rate = change(self.held[source], np.random.default_rng(1000 * number + order), noise)
                matches = {self.names[m.recording]: m.strength for m in self._ask(print_of(made, rate), name)}
                own = matches.pop(source, 0.0)
                wrong += [
                    (strength, source, other) for other, strength in matches.items() if self._strange(source, other)
                ]
                found[name].append((own, half))
                self.peer[name].append(chromaprint.distance(references[source], chromaprint.raw(made, rate)))
        return found

    def _ask(self, new: AudioFingerprint, what: str) -> list[audio_match.Match]:
        begin = time.process_time()
        found = match_audio(new, self.index.find, lambda numbers: {one: self.stored[one] for one in numbers})
        self.cpu_s[what] += time.process_time() - begin
        self.asked_s[what] += new.seconds
        return found

    def report(self, halves: dict[str, int], strangers: list[Wrong], found: dict[str, list[tuple[float, int]]]) -> None:
        """The table: recall at the shipped limit, and at the limit that the other half's strangers ask for."""
        order = {name: number % 2 for number, name in enumerate(self.names)}
        largest = [max((s for s, new, _ in strangers if order[new] == half), default=0.0) for half in (0, 1)]
        limit = [ABOVE * largest[1 - half] for half in (0, 1)]
        print(f"strongest strangers: {[(s, new[-32:], old[-32:]) for s, new, old in strangers[:3]]}")
        print(
            f"false accusations at {audio_match.THRESHOLD:g}: {sum(s[0] >= audio_match.THRESHOLD for s in strangers)}"
        )
        print(f"limit for half A from half B {limit[0]:.1f}, for B from A {limit[1]:.1f}; {len(halves)} sources\n")
        print("| Transform | Recall | at the other half's limit | Chromaprint | weakest | CPU ms/min |")
        print("|---|---|---|---|---|---|")
        means = []
        for name, results in found.items():
            shipped = np.mean([s >= audio_match.THRESHOLD for s, _ in results])
            at_other = np.mean([s >= limit[half] for s, half in results])
            peer = np.mean([d <= chromaprint.LIMIT for d in self.peer[name]])
            means.append((shipped, at_other, peer))
            cost = self.cpu_s[name] / self.asked_s[name] * 60e3
            print(f"| {name} | {shipped:.3f} | {at_other:.3f} | {peer:.3f} | {min(results)[0]:.1f} | {cost:.0f} |")
        mean = np.mean(means, axis=0)
        cost = sum(self.cpu_s.values()) / sum(self.asked_s.values()) * 60e3
        print(f"| **mean** | **{mean[0]:.4f}** | **{mean[1]:.4f}** | {mean[2]:.3f} | | {cost:.0f} |")
