"""What this server can do: its tools and the kinds of distortion it tells apart."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.gateway.answers import as_json
from services.gateway.deps import KEYED, Owner, TheGateway
from services.gateway.parts import ToolInfo
from shared.contracts.base import Contract
from shared.contracts.categories import DIMENSION_OF, Category, Dimension

router = APIRouter(prefix="/v1", tags=["about"], dependencies=KEYED)


class ToolList(Contract):
    """The tools of the server's profile."""

    profile: str
    tools: tuple[ToolInfo, ...]


class CategoryInfo(Contract):
    """A kind of distortion, and the dimension it belongs to."""

    name: Category
    dimension: Dimension


class CategoryList(Contract):
    """All kinds of distortion."""

    categories: tuple[CategoryInfo, ...]


@router.get("/tools", summary="The tools", response_model=ToolList)
async def tools(gateway: TheGateway, _: Owner) -> Response:
    """What may stand in a submission's `tools`."""
    return as_json(ToolList(profile=gateway.parts.profile.name, tools=tuple(gateway.parts.tools())))


@router.get("/categories", summary="The kinds of distortion", response_model=CategoryList)
async def categories(_: Owner) -> Response:
    """What a diagnosis' `category` may be."""
    return as_json(
        CategoryList(categories=tuple(CategoryInfo(name=name, dimension=DIMENSION_OF[name]) for name in Category))
    )
