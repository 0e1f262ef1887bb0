"""The times that claims and sendings keep (DESIGN.md, "Distribution"); settings may change them."""

from pydantic import Field

from shared.contracts.base import Contract


class LeaseRules(Contract):
    """When a claim is lost, and when something is sent again.

    Attributes:
        lease_s: a claim that is not prolonged for so long has expired.
        silence_s: after so long without any call the store was down, and no lease expires before one more has passed.
        first_send_s, growth, longest_spacing_s: what nobody has claimed is published after `first_send_s`, and again
            with spacings that grow by `growth`.
        max_claims: so many expired claims of one command fail it.
    """

    lease_s: float = Field(default=10.0, gt=0)
    silence_s: float = Field(default=5.0, gt=0)
    first_send_s: float = Field(default=2.0, gt=0)
    growth: float = Field(default=3.0, ge=1)
    longest_spacing_s: float = Field(default=300.0, gt=0)
    max_claims: int = Field(default=3, ge=1)
