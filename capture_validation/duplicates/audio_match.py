"""Matching sound: words as they are first, those beside them where that explains nothing; unchanged before changed.

A proposal is aligned with the recording it names; the evidence of a line is its strength × the share of seconds that
agree by themselves. Another take of the same sentence agrees for a second here and there, a copy agrees throughout, and
one from which pauses were cut agrees in pieces.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from capture_validation.duplicates.alignment import Held, Line, Texture, align
from capture_validation.duplicates.audio import VERSION, AudioFingerprint, StoredAudio
from capture_validation.duplicates.audio_words import Triples, triples
from capture_validation.duplicates.company import BLOCK, Hits
from capture_validation.duplicates.evidence import Aligned, Match, Transformation, covered
from capture_validation.duplicates.lists import Find, Integers, Once
from capture_validation.duplicates.piece import Piece, chain, gathered
from capture_validation.duplicates.proposals import GRID, PLAIN, Proposal, Warp, look_up, propose
from capture_validation.duplicates.texture import SPACING
from capture_validation.report import Span

#: Evidence from which two recordings are the same. See docs/duplicates.md for what strangers reach.
THRESHOLD = 12.0
#: Evidence from which a person should listen.
DOUBTFUL = 8.0
#: The most that evidence may be worth and not be called the same.
DECIDED_BY_A_PERSON = THRESHOLD - 0.01
#: A change of speed, tempo or pitch is one of many that were tried, so its evidence counts less.
CHANGED = 0.6
#: Evidence from which no further change is looked for: a copy that runs 2 % faster agrees a little without any.
EXPLAINED = 24.0
#: Proposals that lie so many frames (1 s) apart speak of one line.
SAME_LINE = 62
#: The largest change of pace that is believed.
LIMIT = 0.056
#: Where less than this share of a window agrees, its densest stretch of at least 3 s is judged alone: recordings that
#: were cut together share a piece and nothing else. A stretch that was chosen counts less.
PARTIAL, SHORTEST, CHOSEN = 0.7, 186, 0.75
#: The whole window is that many standard deviations above its strangers wherever a stretch of it is worth anything: one
#: that is just worth listening to for 3 s of 24 s makes 3.8 of them.
HINTED = 2.0
#: Evidence from which a shorter stretch is kept, because others of its recording may add up with it.
FRAGMENT = 4.0
#: Of so many recordings in a minute that such a stretch is of, all places are compared that anything is said for, up to
#: so many of each.
FRAGMENTED, EVERYWHERE = 4, 24
#: A window is 24 s: the 12 s that voted and 6 s on either side.
MARGIN = 372
#: Frames looked up at once: five blocks of 12 s.
MINUTE = 5 * BLOCK
#: Bits for which a place is compared, by words as they are, which are few, and by all: three votes of words that 700
#: have, and two of words that 180 have.
SURE, LIKELY = 40, 31
#: Places compared per 12 s, unchanged, and of all changes together.
PLAIN_MOST, GRID_MOST = 16, 16

Fetch = Callable[[Iterable[int]], Mapping[int, StoredAudio]]


def match_audio(new: AudioFingerprint, find: Find, fetch: Fetch) -> list[Match]:
    """Every recording that shares sound with a new one, strongest evidence first.

    `find` answers words with their postings, `fetch` gives the stored fingerprints of recordings by number; one that is
    gone may be missing. What has too little content to prove anything matches nothing: ask `new.enough` before you
    believe an empty answer.
    """
    if not new.enough:
        return []
    pieces: list[Piece] = []
    for minute in _minutes(triples(new.peaks)):
        once, search = Once(find), Search(new, fetch)
        search.among(look_up(minute, once, 0.0, SURE), SURE)
        left = _open(minute.frame, search.pieces)
        if left.any():
            search.among(look_up(minute if left.all() else minute.where(left), once, least=LIKELY), LIKELY)
        pieces += search.pieces + search.fragments
    return sorted(_merged(pieces, new.seconds), key=lambda match: -match.strength)


class Search:
    """What was compared for a minute of a new recording, and the lines that were found."""

    def __init__(self, new: AudioFingerprint, fetch: Fetch) -> None:
        self.pieces: list[Piece] = []
        #: What is too short, or too little, to be believed alone.
        self.fragments: list[Piece] = []
        self._new, self._fetch = new, fetch
        self._tried: set[tuple[int, Warp, int, int]] = set()

    def among(self, hits: Hits, least: int) -> None:
        """Compare what most is said for, unchanged, then changed where that explains nothing."""
        frames = len(self._new.bits)
        before, fragments = len(self.pieces), len(self.fragments)
        self._align(propose(hits, frames, PLAIN, PLAIN_MOST, least))
        self._align(propose(_unexplained(hits, self.pieces[before:]), frames, GRID, GRID_MOST, least))
        for recording, warp in _fragmented(self.fragments[fragments:]):
            own = hits.where(hits.recording == recording)
            self._align(propose(own, frames, (warp,), EVERYWHERE, least, EVERYWHERE))

    def _align(self, proposals: list[Proposal]) -> None:
        """Align proposals, best ones first, and none that would say again what is known."""
        held = self._fetch({proposal.recording for proposal in proposals})
        for proposal in proposals:
            place = proposal.recording, proposal.warp, proposal.first, proposal.lag
            if proposal.recording not in held or place in self._tried:
                continue
            self._tried.add(place)
            if any(_explains(piece, proposal) for piece in self.pieces):
                continue
            piece = compare_at(self._new, held[proposal.recording], proposal)
            if piece is not None and piece.alone and piece.evidence >= DOUBTFUL:
                self.pieces.append(piece)
            elif piece is not None and piece.evidence >= FRAGMENT:
                self.fragments.append(piece)


def _minutes(parts: Triples) -> Iterator[Triples]:
    """About a minute of landmarks at a time, so that an hour asks for no more memory than a minute does."""
    minute = parts.frame // MINUTE
    if len(minute) and not minute.any():
        yield parts
        return
    for one in np.flatnonzero(np.bincount(minute)):
        yield parts.where(minute == one)


def _fragmented(fragments: Iterable[Piece]) -> list[tuple[int, Warp]]:
    """The few recordings of which fragments were found, the strongest first, and how these were changed."""
    strongest = sorted(fragments, key=lambda piece: -piece.evidence)
    return list(dict.fromkeys((piece.proposal.recording, piece.proposal.warp) for piece in strongest))[:FRAGMENTED]


def _unexplained(hits: Hits, pieces: Iterable[Piece]) -> Hits:
    """The hits outside every window that is explained without any change."""
    open_ = np.ones(len(hits.own), bool)
    for piece in pieces:
        if piece.evidence >= EXPLAINED:
            open_ &= (hits.own < piece.proposal.first) | (hits.own >= piece.proposal.last)
    return hits if open_.all() else hits.where(open_)


def _open(frame: Integers, pieces: Iterable[Piece]) -> NDArray[np.bool_]:
    """Which frames no line explains."""
    open_ = np.ones(len(frame), bool)
    for piece in pieces:
        if piece.evidence >= EXPLAINED:
            first, last = piece.new
            open_ &= (frame < first) | (frame >= last)
    return open_


def _explains(piece: Piece, proposal: Proposal) -> bool:
    """Whether a line makes a proposal needless: what explains 12 s once need not explain them at every other lag.

    A line that is weaker, or that fills only a part of them, stands for the proposals within a second of it for which
    no more is said: two pieces of one recording may have been cut together.
    """
    own = piece.proposal
    if (own.recording, own.first) != (proposal.recording, proposal.first) or piece.evidence < THRESHOLD:
        return False
    first, last = piece.new
    if piece.evidence >= EXPLAINED and last - first >= PARTIAL * (own.last - own.first):
        return True
    return proposal.bits <= own.bits and abs(_middle(own) - _middle(proposal)) <= SAME_LINE


def _middle(proposal: Proposal) -> float:
    """Which frame of the held recording a proposal says the middle of its 12 s to be."""
    return proposal.lag + (proposal.first + proposal.last) / 2 * proposal.warp.time


def compare_at(new: AudioFingerprint, stored: StoredAudio, proposal: Proposal) -> Piece | None:
    """The evidence that a proposal is true, or None when there is nothing to compare."""
    first = max(0, proposal.first - MARGIN) if proposal.first else 0
    last = min(len(new.bits), proposal.last + MARGIN)
    texture, held = warped(new, first, last, proposal.warp), Held(stored.bits, stored.loud)
    # The lag was counted from the beginning of the recording, the window begins later.
    lag = proposal.lag + round(first * proposal.warp.time)
    line = align(texture, held, lag, slopes(proposal.warp))
    if line is None:
        return None
    whole = Piece(proposal, line, evidence(line, proposal.warp), first, stored.seconds)
    alone = line.last - line.first >= SHORTEST
    if line.share >= PARTIAL or line.strength < HINTED or (whole.evidence >= DOUBTFUL and not alone):
        return whole
    part = Texture(texture.bits[line.first : line.last], texture.firm[line.first : line.last])
    again = align(part, held, line.lag + line.first, slopes(proposal.warp))
    if again is None:
        return whole
    strength = CHOSEN * evidence(again, proposal.warp)
    begin = first + round(line.first / proposal.warp.time)
    return Piece(proposal, again, strength, begin, stored.seconds, alone) if strength > whole.evidence else whole


def evidence(line: Line, warp: Warp) -> float:
    """What a line is worth: strength × share, less where something had to be changed to find it."""
    plain = warp.plain and abs(line.slope) < 0.0045
    return max(0.0, line.strength * line.share) * (1.0 if plain else CHANGED)


def warped(new: AudioFingerprint, first: int, last: int, warp: Warp) -> Texture:
    """A window of a recording as it would be had nothing been changed."""
    bits, firm = new.bits[first:last], new.firm[first:last]
    if warp.time != 1.0:
        at = np.rint(np.arange(round(len(bits) * warp.time)) / warp.time).astype(np.int64)
        bits, firm = (part[np.minimum(at, len(bits) - 1)] for part in (bits, firm))
    places = higher(warp)
    if places > 0:
        return Texture(bits >> np.uint64(places), firm >> np.uint64(places))
    return Texture(bits << np.uint64(-places), firm << np.uint64(-places)) if places else Texture(bits, firm)


@cache
def higher(warp: Warp) -> int:
    """By how many bands of the texture a changed recording sounds higher."""
    return round(12 * float(np.log2(warp.pitch)) / SPACING)


@cache
def slopes(warp: Warp) -> NDArray[np.float64]:
    """Small changes of pace to try around a warp, in steps of 0.1 %: as far as its neighbours on the grid."""
    reach = 13 if warp.pitch == 1.0 != warp.time else 3 if warp.time == 1.0 != warp.pitch else 7
    steps = np.arange(-reach, reach + 1) * 0.001
    return np.asarray(steps[np.abs(warp.time * (1 + steps) - 1) <= LIMIT], np.float64)


def _merged(pieces: list[Piece], seconds: float) -> Iterable[Match]:
    """One match per recording: its strongest window says how strong, or all pieces together; all say where."""
    known: dict[int, list[Piece]] = {}
    for piece in sorted(pieces, key=lambda piece: -piece.evidence):
        known.setdefault(piece.proposal.recording, []).append(piece)
    for recording, own in known.items():
        strength, told = _told(own)
        if strength < DOUBTFUL:
            continue
        spans = joined([piece.aligned() for piece in told])
        warp = told[0].proposal.warp
        yield Match(
            recording=recording,
            kind="audio",
            verdict="duplicate" if strength >= THRESHOLD else "alike",
            strength=round(strength, 2),
            threshold=THRESHOLD,
            covered=round(covered(spans, seconds), 3),
            spans=spans,
            transformation=Transformation(
                speed=round(warp.time * (1 + told[0].line.slope), 4), pitch=round(warp.pitch, 4)
            ),
            version=VERSION,
        )


def _told(own: Sequence[Piece]) -> tuple[float, list[Piece]]:
    """How strong the evidence of all pieces of a recording is, strongest first, and which say so."""
    alone = [piece for piece in own if piece.alone]
    best = alone[0].evidence if alone else 0.0
    chains = [chain(piece for piece in own if piece.proposal.warp == warp) for warp in _warps(own)]
    worth = [gathered(one, short_most=DECIDED_BY_A_PERSON) for one in chains]
    together = max(worth)
    sure = [piece for piece in alone if piece.evidence >= THRESHOLD]
    if together > best:
        return together, [*chains[worth.index(together)], *sure]
    return best, [*sure, *chains[0]] if sure else alone[:1]


def _warps(pieces: Iterable[Piece]) -> list[Warp]:
    """How pieces were changed: a second or two may agree as well at a pace that is one per cent off."""
    return list(dict.fromkeys(piece.proposal.warp for piece in pieces))


def joined(spans: list[Aligned], slack_s: float = 0.3) -> tuple[Aligned, ...]:
    """Stretches of one line as one stretch: windows overlap, and a listener should hear a copy once."""
    out: list[Aligned] = []
    for span in sorted(spans, key=lambda span: (span.new.start_s, span.new.end_s)):
        previous = out[-1] if out else None
        if previous and span.new.start_s <= previous.new.end_s + slack_s and _same_line(previous, span):
            end = max(previous.new.end_s, span.new.end_s), max(previous.held.end_s, span.held.end_s)
            out[-1] = Aligned(Span(previous.new.start_s, end[0]), Span(previous.held.start_s, end[1]))
        else:
            out.append(span)
    return tuple(out)


def _same_line(one: Aligned, two: Aligned) -> bool:
    lag_one, lag_two = one.held.start_s - one.new.start_s, two.held.start_s - two.new.start_s
    return abs(lag_one - lag_two) <= 0.2 + 0.06 * abs(two.new.start_s - one.new.start_s)
