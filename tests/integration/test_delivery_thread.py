"""The standalone server's deliveries: begun, ended, and signed with the folder's secret."""

import asyncio
import time
from pathlib import Path

import standardwebhooks
from fakes.agents import queued_job
from fakes.receiver import HANG, Receiver, receiver

from services.orchestrator.webhooks.settings import WebhookSettings, secret_in
from services.standalone.delivering import DeliveryThread, delivery_thread
from shared.adapters.clock import SystemClock
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.contracts.deliveries import DeliveryStatus
from shared.contracts.jobs import Webhook
from shared.contracts.loop import PublicEvent

QUICK = WebhookSettings(poll_s=0.02)


def a_thread(jobs: MemoryJobStore, server: Receiver, folder: Path) -> DeliveryThread:
    return delivery_thread(jobs.deliveries, server.guard(), QUICK, folder, SystemClock(), grace_s=0.2)


def add_job(jobs: MemoryJobStore, url: str, job_id: str = "job_1") -> None:
    job = queued_job(MemoryImageStore(), job_id).model_copy(update={"webhook": Webhook(url=url)})
    jobs.create(job, [PublicEvent(seq=1, job_id=job_id, type="job.started", at_s=time.time())])


async def until_asked(server: Receiver, times: int = 1) -> None:
    async with asyncio.timeout(60):
        while len(server.requests) < times:
            await asyncio.sleep(0.01)


def test_delivers_until_it_is_stopped(tmp_path: Path) -> None:
    async def go() -> None:
        jobs = MemoryJobStore()
        async with receiver() as server:
            add_job(jobs, server.url("/hook"), "job_1")
            thread = a_thread(jobs, server, tmp_path)
            thread.start()
            await until_asked(server)
            add_job(jobs, server.url("/hook"), "job_2")
            await until_asked(server, 2)
            assert await asyncio.to_thread(thread.stop)
            add_job(jobs, server.url("/hook"), "job_3")
            await asyncio.sleep(0.2)
            assert len(server.requests) == 2
            assert jobs.deliveries.of_job("job_3")[0].status is DeliveryStatus.PENDING
            request = server.requests[0]
            secret = secret_in(tmp_path)
            assert standardwebhooks.Webhook(secret).verify(request.body, request.headers)["type"] == "job.started"

    asyncio.run(go())


def test_a_receiver_that_hangs_does_not_hold_the_stop_up(tmp_path: Path) -> None:
    async def go() -> None:
        jobs = MemoryJobStore()
        async with receiver(hook=HANG) as server:
            add_job(jobs, server.url("/hook"))
            thread = a_thread(jobs, server, tmp_path)
            thread.start()
            await until_asked(server)
            assert await asyncio.to_thread(thread.stop)
            [delivery] = jobs.deliveries.of_job("job_1")
            assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, ())

    asyncio.run(go())


def test_a_thread_that_never_began_has_ended(tmp_path: Path) -> None:
    async def go() -> None:
        async with receiver() as server:
            assert a_thread(MemoryJobStore(), server, tmp_path).stop()

    asyncio.run(go())
