"""The web page: one document and its files, all from this server; it needs no key, the API that it calls does."""

import mimetypes
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parents[1] / "page"

MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".webp": "image/webp"}
"""Python takes them from the system, which may know none of them; a module of another type is not run."""


@router.api_route("/", methods=["GET", "HEAD"])
async def index() -> FileResponse:
    """The page."""
    return FileResponse(FOLDER / "index.html", media_type="text/html")


@router.api_route("/favicon.svg", methods=["GET", "HEAD"])
async def favicon() -> FileResponse:
    """The page's sign."""
    return FileResponse(FOLDER / "favicon.svg", media_type=MEDIA_TYPES[".svg"])


def mount_page(app: FastAPI) -> None:
    """Serves the page at `/` and its files below `/static`."""
    for suffix, media_type in MEDIA_TYPES.items():
        mimetypes.add_type(media_type, suffix)
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=FOLDER), name="static")
