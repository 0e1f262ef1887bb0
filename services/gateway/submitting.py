"""From a submission to a stored job, once for each name: repetition, admission, images, intake, store, dispatch."""

from dataclasses import dataclass
from functools import partial

from anyio import CapacityLimiter, to_thread

from services.gateway.parts import GatewayParts
from services.gateway.problems import FieldProblem, InvalidFields
from services.gateway.receiving import Submission
from services.gateway.requests import ImageSource, too_much
from services.gateway.settings import GatewaySettings
from services.gateway.standing import Waiting
from shared.contracts.jobs import Job
from shared.errors import BadInput, Conflict, ErrorCode, NotFound
from shared.intake import Request, admit


@dataclass(frozen=True)
class Name:
    """What the caller calls the job by: its own id (PUT), an idempotency key (POST), or nothing."""

    owner: str
    client_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Submitted:
    """The job, and whether an earlier request of the same name made it."""

    job: Job
    replayed: bool


class Submitter:
    """Makes jobs. Two requests of one name at one time make one job: the store lets only one take the name."""

    def __init__(
        self,
        parts: GatewayParts,
        settings: GatewaySettings,
        waiting: Waiting,
        decoding: CapacityLimiter,
        storing: CapacityLimiter,
        writing: CapacityLimiter,
    ) -> None:
        self._parts = parts
        self._settings = settings
        self._waiting = waiting
        self._decoding = decoding
        self._storing = storing
        self._writing = writing

    async def submit(self, submission: Submission, name: Name, traceparent: str | None = None) -> Submitted:
        """The job of this submission; it remembers `traceparent`, for the logs.

        Raises:
            BadInput: it cannot be served, or the name is that of another request (IDEMPOTENCY_MISMATCH).
            Overloaded: the queue is too long.
            Unavailable: a store does not answer; nothing is left of the job then.
        """
        earlier = await to_thread.run_sync(self._find, name, limiter=self._storing)
        if earlier is not None:
            return _same(earlier, submission)
        excess = too_much(submission.fields, self._settings)
        if excess is not None:
            field, _, message = excess.partition(": ")
            raise InvalidFields([FieldProblem(field=field, message=message)])
        await to_thread.run_sync(self._waiting.admit_one_more, limiter=self._storing)
        webhook = submission.fields.webhook
        if webhook is not None:
            await self._parts.check_webhook(webhook.url)
        images = {part: await self._bytes(part, image, name.owner) for part, image in submission.images.items()}
        admitting = partial(self._admit, submission, images, name, traceparent)
        job = await to_thread.run_sync(admitting, limiter=self._decoding)
        winner = await to_thread.run_sync(self._create, job, name, limiter=self._writing)
        if winner is not None:
            return _same(winner, submission)
        self._parts.dispatcher.dispatch(job.id)
        return Submitted(job, replayed=False)

    def _find(self, name: Name) -> Job | None:
        jobs = self._parts.jobs
        found = None
        if name.client_id is not None:
            found = jobs.named(name.owner, name.client_id)
        elif name.idempotency_key is not None:
            found = jobs.with_key(name.owner, name.idempotency_key, self._parts.clock.now_s())
        if found is None:
            return None
        try:
            return jobs.load(found).job
        except NotFound:
            return None  # deleted in between: the name is free again

    async def _bytes(self, part: str, image: bytes | ImageSource, owner: str) -> bytes:
        if isinstance(image, bytes):
            return image
        if image.url is not None:
            return await self._parts.fetch(image.url)
        assert image.upload_id is not None  # noqa: S101  the model has one of the three, base64 is decoded
        return await to_thread.run_sync(self._uploaded, part, image.upload_id, owner, limiter=self._storing)

    def _uploaded(self, part: str, upload_id: str, owner: str) -> bytes:
        try:
            upload = self._parts.uploads.get(upload_id)
            if upload.owner == owner and upload.expires_at_s > self._parts.clock.now_s():
                return self._parts.images.get(upload.image_ref)
        except NotFound:
            pass
        message = f"{part}: there is no upload {upload_id}: it may have expired, send the image again"
        raise BadInput(ErrorCode.UPLOAD_NOT_FOUND, message)

    def _admit(self, submission: Submission, images: dict[str, bytes], name: Name, traceparent: str | None) -> Job:
        now_s = self._parts.clock.now_s()
        request = Request(
            image=images["image"],
            prompt=submission.fields.prompt,
            options=submission.fields.options(),
            protected=images.get("protected"),
            regions=images.get("regions_mask"),
        )
        job = admit(self._parts.images, self._parts.profile, request, now_s, self._settings.limits)
        return job.model_copy(
            update={
                "owner": name.owner,
                "client_id": name.client_id,
                "idempotency_key": name.idempotency_key,
                "request_sha256": submission.sha256,
                "traceparent": traceparent,
                "webhook": submission.fields.webhook,
                "expires_at_s": now_s + (submission.fields.expires_in_s or self._settings.expires_in_s),
            }
        )

    def _create(self, job: Job, name: Name) -> Job | None:
        """Stores the job; the one that took the name first where there is one."""
        try:
            self._parts.jobs.create(job, ())
        except Conflict as conflict:
            self._parts.images.delete(f"{job.id}/")
            winner = self._find(name) if conflict.code is ErrorCode.NAME_TAKEN else None
            if winner is None:
                raise
            return winner
        except BaseException:
            self._parts.images.delete(f"{job.id}/")
            raise
        return None


def _same(job: Job, submission: Submission) -> Submitted:
    if job.request_sha256 != submission.sha256:
        raise BadInput(
            ErrorCode.IDEMPOTENCY_MISMATCH,
            f"the name is that of job {job.id}, which another request made: use another name for another request",
        )
    return Submitted(job, replayed=True)
