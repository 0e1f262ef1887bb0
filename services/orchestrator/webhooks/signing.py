"""Signs deliveries by Standard Webhooks v1: HMAC-SHA256 over id, time and body, with one secret or two in a change."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

from shared.contracts.deliveries import Delivery


class Signer:
    """Signs with the owner's secrets, or with those for everybody.

    Args:
        secrets: `whsec_…`, for every owner without some of its own. With two, both signatures are sent, so that
            receivers change from one to the other when it suits them.
        owner_secrets: the same by owner: where tenants do not trust each other, one secret for all would let each forge
            deliveries to the others.
    """

    def __init__(self, secrets: Sequence[str], owner_secrets: Mapping[str, Sequence[str]]) -> None:
        self._default = tuple(Webhook(secret) for secret in secrets)
        self._of_owner = {owner: tuple(Webhook(one) for one in some) for owner, some in owner_secrets.items()}

    def headers(self, delivery: Delivery, at_s: float) -> dict[str, str]:
        """The headers of a try at `at_s`; receivers refuse a time that is not about theirs, so each try has its own."""
        # The library takes str bodies and UTC times; with others it signs wrongly and says nothing.
        at = datetime.fromtimestamp(int(at_s), UTC)
        webhooks = self._of_owner.get(delivery.owner, self._default)
        signatures = [webhook.sign(delivery.id, at, delivery.body) for webhook in webhooks]
        return {
            "content-type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(at_s)),
            "webhook-signature": " ".join(signatures),
        }
