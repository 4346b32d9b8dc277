"""The worker: both queues are worked on beside each other, and a signal ends both."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
from procrastinate import App

from api.worker import run_jobs
from storage import queue


@pytest.fixture
async def stops() -> AsyncIterator[None]:
    """Give signals back to whoever had them."""
    yield
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_no_report_waits_for_a_line_of_copies_and_a_signal_ends_both(database_url: str, stops: None) -> None:
    """More copies are begun than there are processors, none of them ends, and a recording is examined meanwhile."""
    copying, examined, sold = asyncio.Event(), asyncio.Event(), asyncio.Event()
    began = 0
    app: App = queue.application(database_url)
    mark = os.urandom(8).hex()

    @app.task(name=f"copy {mark}", queue="renditions")
    async def copy() -> None:
        nonlocal began
        began += 1
        copying.set()
        await sold.wait()

    @app.task(name=f"examine {mark}", queue="validation")
    async def examine() -> None:
        examined.set()

    async with app.open_async():
        await app.connector.execute_query_async("DELETE FROM procrastinate_jobs")
        for _ in range(2 * (os.cpu_count() or 1) + 2):
            await copy.defer_async()
        working = asyncio.create_task(run_jobs(app))
        async with asyncio.timeout(30):
            await copying.wait()
            await examine.defer_async()
            await examined.wait()
            begun = began
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)
            sold.set()
            await working
        await app.connector.execute_query_async("DELETE FROM procrastinate_jobs")

    assert max(1, (os.cpu_count() or 1) // 2) == begun
