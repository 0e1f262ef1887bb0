"""What routes ask for in their signatures."""

from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.security import HTTPBearer

from services.gateway.auth import authenticated
from services.gateway.core import Gateway
from services.gateway.limiting import note
from services.gateway.requests import CLIENT_ID

BEARER = HTTPBearer(
    scheme_name="key", description="An API key, `rt_<id>_<secret>`, of `retoucher keys create`.", auto_error=False
)
"""For the OpenAPI document; the header itself is read by `authenticated`."""


def gateway_of(request: Request) -> Gateway:
    """The app's gateway."""
    gateway: Gateway = request.app.state.gateway
    return gateway


TheGateway = Annotated[Gateway, Depends(gateway_of)]


async def owner_of(request: Request, gateway: TheGateway) -> str:
    """Whose jobs the caller may see; counts the request."""
    return await _admitted(request, gateway, submission=False)


async def submitter_of(request: Request, gateway: TheGateway) -> str:
    """As `owner_of`; counts a submission, too."""
    return await _admitted(request, gateway, submission=True)


async def _admitted(request: Request, gateway: Gateway, *, submission: bool) -> str:
    caller = await authenticated(request, gateway.authenticator)
    allowance = await gateway.limiter.admit(caller, submission=submission)
    note(request.scope, allowance)
    allowance.check()
    return caller.owner


Owner = Annotated[str, Depends(owner_of)]
Submitting = Annotated[str, Depends(submitter_of)]
KEYED = [Depends(BEARER)]
"""Dependencies of every router whose routes ask for a key."""

JobName = Annotated[str, Path(pattern=CLIENT_ID, description="The job's id, or the client's id for it.")]
