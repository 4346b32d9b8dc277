"""How an amount is worked out: exact, in steps that anybody can compute again."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from storage.ledger.amounts import split
from storage.steps import Fee, Part, Rate, Removed, Sheet, Tax, accepted_ms, for_accepting, for_selling

SHEET = Sheet("voice-standard", 3)
NO_TAX = Tax(0, "nothing-withheld")
SPANS = st.lists(
    st.builds(
        lambda start, length: Removed(start, start + length, "bystander"), st.integers(0, 3000), st.integers(1, 900)
    ),
    max_size=6,
)


def test_the_worked_example_of_the_design():
    """18 min 31.2 s at 12 an hour, without the silence that was taken out, less a tenth."""
    worked = for_accepting(
        Rate(12_000_000, 3_600_000, None),
        1_240_000,
        [Removed(0, 128_800, "no_speech")],
        [Fee("platform", 1000)],
        NO_TAX,
        SHEET,
    )

    assert (3_704_000, 370_400, 0, 3_333_600) == (worked.gross, worked.fee, worked.tax, worked.net)
    assert ["rate", "times", "equals", "minus", "minus", "equals"] == [step.op for step in worked.steps]


@given(SPANS, st.integers(0, 4000))
def test_a_moment_that_is_taken_out_twice_is_taken_out_once(removed: list[Removed], duration_ms: int):
    gone = {ms for span in removed for ms in range(span.start_ms, span.end_ms)}

    assert len(set(range(duration_ms)) - gone) == accepted_ms(duration_ms, removed)


@given(st.integers(0, 10**9), st.integers(1, 10**7), st.integers(0, 10**7), st.integers(0, 5000), st.integers(0, 5000))
def test_fees_and_tax_never_take_more_than_there_is(micros: int, per_ms: int, ms: int, fee_bps: int, tax_bps: int):
    fees = [Fee("platform", fee_bps), Fee("handling", 10_000 - fee_bps)]
    worked = for_accepting(Rate(micros, per_ms, None), ms, [], fees, Tax(tax_bps, "test"), SHEET)

    assert worked.gross - worked.fee - worked.tax == worked.net
    assert 0 <= worked.net <= worked.gross


def test_short_clips_lose_nothing_that_matters():
    """Ten thousand clips of 2 to 15 s: the sum of what is paid is the exact pay to a thousandth of a cent."""
    lengths = [2000 + 7919 * number % 13_000 for number in range(10_000)]
    paid = sum(for_accepting(Rate(12_000_000, 3_600_000, None), ms, [], [], NO_TAX, SHEET).gross for ms in lengths)

    assert abs(paid - sum(lengths) * 12_000_000 / 3_600_000) < 100


@given(st.integers(0, 10**12), st.lists(st.integers(1, 10**6), min_size=1, max_size=30), st.integers(0, 10_000))
def test_the_parts_of_a_sale_can_be_computed_again_from_their_steps(price: int, lengths: list[int], bps: int):
    """Each from its own steps alone: what all others got is not needed."""
    for ms, part in zip(lengths, split(price, lengths), strict=True):
        worked = for_selling(Part(part, price, ms, sum(lengths)), bps, NO_TAX, SHEET, sale=uuid4())
        first, share = worked.steps[:2]
        assert first.whole_micros is not None
        assert first.ms is not None
        assert first.of_ms is not None
        assert first.extra_micros in (0, 1)
        assert part == first.whole_micros * first.ms // first.of_ms + first.extra_micros
        assert share.bps == bps
