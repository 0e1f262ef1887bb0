"""Fetches the image that a request names by URL, before the request is answered. What it is, its bytes must tell."""

from shared.errors import BadInput, ErrorCode, Unavailable
from shared.web_guard import WebGuard

FETCH_TIMEOUT_S = 10.0
_ACCEPT = "image/png, image/jpeg, image/webp"
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses by which a server says that another try may help."""


async def fetch_image(guard: WebGuard, url: str, max_bytes: int, timeout_s: float = FETCH_TIMEOUT_S) -> bytes:
    """The bytes behind `url`. The answer's Content-Type is not looked at: anybody can write anything there.

    Args:
        guard: which addresses may be reached.
        url: as the caller sent it.
        max_bytes: a longer answer is refused while it comes in.
        timeout_s: for all of it, name lookup included.

    Raises:
        BadInput: the URL may not be used (URL_NOT_ALLOWED), it holds no image (URL_NOT_FETCHED), or a too large one
            (IMAGE_TOO_LARGE).
        Unavailable: its server did not answer in time, or not now (URL_UNREACHABLE).
    """
    answer = await guard.request("GET", url, headers={"accept": _ACCEPT}, timeout_s=timeout_s, max_bytes=max_bytes)
    host = guard.parse(url).host
    if answer.status in _LATER:
        message = f"{host} answered {answer.status} instead of an image: try again later"
        raise Unavailable(ErrorCode.URL_UNREACHABLE, message)
    if 300 <= answer.status < 400:
        message = f"{host} redirects to another address: send the URL that it leads to"
        raise BadInput(ErrorCode.URL_NOT_FETCHED, message)
    if answer.status != 200:
        message = f"{host} answered {answer.status} instead of an image: check the URL, and that it needs no login"
        raise BadInput(ErrorCode.URL_NOT_FETCHED, message)
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        message = f"{host} sent the image compressed, though asked not to: use another server"
        raise BadInput(ErrorCode.URL_NOT_FETCHED, message)
    if answer.truncated:
        message = f"the image at {host} is larger than {max_bytes:,} bytes: scale it down"
        raise BadInput(ErrorCode.IMAGE_TOO_LARGE, message)
    return answer.body
