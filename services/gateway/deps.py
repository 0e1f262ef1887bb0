"""What routes ask for in their signatures."""

from typing import Annotated

from fastapi import Depends, Path, Request

from services.gateway.core import Gateway
from services.gateway.requests import CLIENT_ID
from shared.contracts.jobs import LOCAL_OWNER


def gateway_of(request: Request) -> Gateway:
    """The app's gateway."""
    gateway: Gateway = request.app.state.gateway
    return gateway


async def owner_of() -> str:
    """Whose jobs the caller may see."""
    return LOCAL_OWNER


TheGateway = Annotated[Gateway, Depends(gateway_of)]
Owner = Annotated[str, Depends(owner_of)]
JobName = Annotated[str, Path(pattern=CLIENT_ID, description="The job's id, or the client's id for it.")]
