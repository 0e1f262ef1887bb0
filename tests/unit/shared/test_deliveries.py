"""What a webhook's body says."""

import json

from fakes.drive import Script, through_advance
from fakes.world import Effect, Flaw, World

from shared.contracts.jobs import Job, JobOptions, Webhook
from shared.contracts.loop import PublicEvent
from shared.deliveries import deliveries_of


def an_ended_job() -> Job:
    world = World({"a": Flaw()}, {"a": (Effect(after=0.0),)})
    job = through_advance(Script(world, options=JobOptions(metadata={"order": 7}))).job
    return job.model_copy(update={"webhook": Webhook(url="https://a.example/"), "owner": "shop", "client_id": "mine"})


def test_the_last_event_carries_the_records_summary() -> None:
    job = an_ended_job()
    events = [
        PublicEvent(seq=1, job_id=job.id, type="job.started", at_s=1_700_000_000.25, data={}),
        PublicEvent(seq=9, job_id=job.id, type="job.succeeded", at_s=1_700_000_001.0, data={"outcome": "repaired"}),
    ]
    started, ended = (json.loads(delivery.body) for delivery in deliveries_of(job, events))
    assert started == {
        "type": "job.started",
        "timestamp": "2023-11-14T22:13:20.250Z",
        "data": {
            "seq": 1,
            "job_id": job.id,
            "type": "job.started",
            "at_s": 1_700_000_000.25,
            "data": {},
            "client_id": "mine",
            "metadata": {"order": 7},
        },
    }
    assert ended["data"]["data"] == {"outcome": "repaired"}
    summary = ended["data"]["job"]
    assert (summary["id"], summary["status"], summary["outcome"]) == (job.id, "succeeded", job.outcome.value)
    assert summary["accepted_patches"] == len(job.result.patches) == 1
    assert not any("_ref" in name for name in summary)


def test_the_same_event_gives_the_same_bytes() -> None:
    job = an_ended_job()
    event = PublicEvent(seq=9, job_id=job.id, type="job.succeeded", at_s=5.0, data={"b": 1, "a": "ä"})
    copies = [Job.model_validate_json(job.model_dump_json()), job]
    assert len({deliveries_of(copy, [event])[0].body for copy in copies}) == 1
