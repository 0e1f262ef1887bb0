"""Sends what is due to webhooks, through the guard against inside addresses, and writes down what came of it.

At least once: a process that dies between the receiver's answer and the store's leaves a claim that runs out, and the
delivery is sent again under the same id. A 2xx is a success; everything else, redirects too, is not.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from services.orchestrator.webhooks.schedule import GONE, Rules, after_try, disabled, retry_after_s
from services.orchestrator.webhooks.signing import Signer
from shared.contracts.deliveries import Claim, Delivery, DeliveryAttempt
from shared.errors import RetoucherError
from shared.ports import Clock, DeliveryStore
from shared.web_guard import WebAnswer, WebGuard

log = structlog.get_logger()


class Deliverer:
    """Makes tries; safe for many at one time on one event loop, and for many processes on one store.

    Args:
        store: the deliveries.
        guard: decides which addresses may be reached.
        signer: holds the secrets.
        clock: for due times and signatures.
        luck: gives numbers in [0, 1) for the jitter.
        rules: schedule and limits.
        observe: is told of each try: the delivery's status after it, and seconds.
    """

    def __init__(
        self,
        store: DeliveryStore,
        guard: WebGuard,
        signer: Signer,
        clock: Clock,
        luck: Callable[[], float],
        rules: Rules = Rules(),
        observe: Callable[[str, float], None] = lambda result, seconds: None,
    ) -> None:
        self._store = store
        self._guard = guard
        self._signer = signer
        self._clock = clock
        self._luck = luck
        self.rules = rules
        self._observe = observe

    async def claim(self, limit: int) -> Sequence[Claim]:
        """Takes at most `limit` deliveries that are due.

        Raises:
            Unavailable: the store does not answer.
        """
        rules = self.rules
        now_s = self._clock.now_s()
        return await asyncio.to_thread(self._store.claim_due, now_s, rules.lease_s, limit, rules.per_site)

    async def deliver_due(self) -> int:
        """Tries all that is due now, and returns how many tries that were."""
        tries = 0
        while claims := await self.claim(self.rules.at_once):
            await asyncio.gather(*(self.deliver(claim) for claim in claims))
            tries += len(claims)
        return tries

    async def deliver(self, claim: Claim) -> None:
        """Makes one try, and writes down what came of it.

        Raises:
            Unavailable: the store does not answer; the delivery is tried again when the claim has run out.
        """
        delivery = claim.delivery
        known = {"job_id": delivery.job_id, "delivery": delivery.id, "site": delivery.site}
        if await asyncio.to_thread(self._store.is_disabled, delivery.owner, delivery.url):
            await asyncio.to_thread(self._store.settle, claim, disabled(delivery))
            log.info("webhook_disabled", **known)
            return
        started_s = self._clock.now_s()
        answer, failure = await self._send(delivery, started_s)
        now_s = self._clock.now_s()
        attempt = DeliveryAttempt(
            at_s=started_s,
            status_code=answer.status if answer is not None else None,
            error=failure,
            seconds=max(0.0, now_s - started_s),
        )
        asked_s = retry_after_s(answer.headers.get("retry-after"), now_s) if answer is not None else None
        if attempt.status_code == GONE:
            # Before the claim is settled: a crash in between costs one more try, not the receiver's wish.
            await asyncio.to_thread(self._store.disable, delivery.owner, delivery.url, now_s)
        after = after_try(delivery, attempt, asked_s, self._luck(), self.rules)
        if not await asyncio.to_thread(self._store.settle, claim, after):
            log.info("webhook_claim_lost", **known)
            return
        self._observe(after.status.value, attempt.seconds)
        log.info("webhook_tried", status=after.status.value, status_code=attempt.status_code, error=failure, **known)

    async def _send(self, delivery: Delivery, at_s: float) -> tuple[WebAnswer | None, str | None]:
        """The answer, if there was one, and why it is a failure, if it is one. Nothing of the answer's body is read."""
        try:
            answer = await self._guard.request(
                "POST",
                delivery.url,
                headers=self._signer.headers(delivery, at_s),
                content=delivery.body.encode(),
                timeout_s=self.rules.timeout_s,
                max_bytes=0,
            )
        except RetoucherError as error:
            return None, error.message
        except Exception as error:
            # Counted as a try: a delivery that trips the program must not be tried every minute for ever.
            log.exception("webhook_crashed", delivery=delivery.id)
            return None, f"internal error ({type(error).__name__}): see the server's log"
        return answer, _failure(answer.status)


def _failure(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if status == GONE:
        return "answered 410: nothing more is sent to this URL"
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed"
    return f"answered {status}"
