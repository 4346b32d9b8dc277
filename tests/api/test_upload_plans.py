"""What a phone is advised to send, in which pieces, and what its owner's data budget holds back."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.settings import Settings
from api.upload_plans import LARGEST_PIECE, SMALLEST_PIECE, UPLINK, chunk_bytes, left_of, planned, when
from storage.data_budgets import DataBudget
from storage.uploads import MOST_CHUNKS
from tests.api.taking import claim, send, speech

Campaign = dict[str, Any]
Client = httpx.AsyncClient


@given(st.integers(1, 2_000_000_000), st.sampled_from(sorted(UPLINK)))
def test_pieces_fit_the_network_and_the_upload(size: int, network: Any) -> None:
    """A power of two, never so small that a recording becomes more pieces than an upload may have."""
    piece = chunk_bytes(size, network)

    assert SMALLEST_PIECE <= piece <= LARGEST_PIECE
    assert 1 == piece.bit_count()
    assert -(-size // piece) <= MOST_CHUNKS / 2


@pytest.mark.parametrize(
    ("network", "piece", "parallel"),
    [("wifi", 16 << 20, 3), ("5g", 8 << 20, 2), ("4g", 4 << 20, 2), ("3g", 512 << 10, 1), ("2g", 256 << 10, 1)],
)
def test_a_slow_network_gets_small_pieces_one_by_one(
    network: Any, piece: int, parallel: int, settings: Settings
) -> None:
    """A cut costs a phone at most some seconds of sending."""
    plan = planned(200_000_000, network, settings, "now")

    assert (piece, parallel, ["tus"]) == (plan.chunk_bytes, plan.parallel, plan.doors)


@pytest.mark.parametrize(
    ("budget", "network", "size", "expected"),
    [
        (DataBudget(), "4g", 10**9, "now"),
        (DataBudget(wifi_only=True), "4g", 1, "on_wifi"),
        (DataBudget(wifi_only=True), "wifi", 10**9, "now"),
        (DataBudget(bytes_per_day=1000), "4g", 600, "now"),
        (DataBudget(bytes_per_day=1000), "4g", 900, "tomorrow"),
        (DataBudget(bytes_per_day=1000), "4g", 1001, "on_wifi"),
        (DataBudget(bytes_per_day=1000), "ethernet", 1001, "now"),
    ],
)
def test_a_plan_keeps_to_the_budget(budget: DataBudget, network: Any, size: int, expected: str) -> None:
    """With 300 bytes spent today; what is larger than a whole day's budget would wait for ever."""
    assert expected == when(size, left_of(budget, 300, network), budget)


async def test_a_claim_says_how_to_send_it(contributor: Client, campaign: Campaign) -> None:
    """From size, network and budget, before a byte is sent."""
    await contributor.put("/v1/me/data-budget", json={"wifi_only": True})

    mobile = (await claim(contributor, campaign, speech(), network="4g")).json()["upload"]["plan"]
    indoors = (await claim(contributor, campaign, speech(), network="wifi")).json()["upload"]["plan"]

    assert {"chunk_bytes": 4 << 20, "parallel": 1, "send": "on_wifi", "doors": ["tus"]} == mobile
    assert "now" == indoors["send"]


async def test_the_queue_is_smallest_first_and_stops_at_the_budget(contributor: Client, campaign: Campaign) -> None:
    """Most recordings are safe soonest, and what does not fit any more says when."""
    large, small, begun = speech() + bytes(9000), speech(), speech()
    urls = [(await claim(contributor, campaign, data)).json()["upload"]["url"] for data in (large, small, begun)]
    await send(contributor, urls[2], begun[:200_000])
    budget = {"bytes_per_day": 200_000 + len(begun) - 200_000 + len(small) + 5}
    put = await contributor.put("/v1/me/data-budget", json=budget)

    plan = (await contributor.get("/v1/upload-plan", params={"network": "3g"})).json()

    assert {**budget, "wifi_only": False, "spent_bytes": 200_000} == put.json()
    assert [urls[2], urls[1], urls[0]] == [waiting["url"] for waiting in plan["queue"]]
    assert ["now", "now", "tomorrow"] == [waiting["plan"]["send"] for waiting in plan["queue"]]
    assert [len(begun) - 200_000, len(small), len(large)] == [waiting["missing_bytes"] for waiting in plan["queue"]]
    assert budget["bytes_per_day"] - 200_000 == plan["budget_left_bytes"]


async def test_a_queue_holds_nobody_else_s_recordings(contributor: Client, other: Client, campaign: Campaign) -> None:
    """Nor those that are complete."""
    data = speech()
    url = (await claim(contributor, campaign, data)).json()["upload"]["url"]
    await send(contributor, url, data)

    for client in (contributor, other):
        assert [] == (await client.get("/v1/upload-plan")).json()["queue"]
