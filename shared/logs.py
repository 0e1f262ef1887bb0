"""Structured logs to stderr, for people or as JSON lines. Called by entry files only; importing it changes nothing.

Standard-library loggers (those of dependencies) go the same way. Values that look like secrets never reach the output.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog
from structlog.typing import Processor

LogFormat = Literal["auto", "console", "json"]

REDACTED = "[redacted]"
_SECRET_KEY = re.compile(r"secret|token|passw|authorization|cookie|api_?key|credential|signature", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"\brt_[A-Za-z0-9]+_[A-Za-z0-9_-]+"  # this project's API keys
    r"|\bwhsec_[A-Za-z0-9+/=_-]+"  # Standard Webhooks signing secrets
    r"|(?<=\b[Bb]earer )[^\s,;]+"
    r"|(?<=://)[^/\s@]+(?=@)"  # user and password of a URL
    # A presigned S3 request, which urllib3 logs when it tries again: whoever has it may do the same for minutes.
    r"|(?<=X-Amz-Signature=)[^&\s\"']+|(?<=X-Amz-Credential=)[^&\s\"']+|(?<=X-Amz-Security-Token=)[^&\s\"']+"
)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: blanks values under secret-looking keys, and secrets inside any text, at any depth."""
    return {key: REDACTED if _SECRET_KEY.search(key) else _redacted(value) for key, value in event.items()}


def _redacted(value: object) -> object:
    if isinstance(value, str):
        return _SECRET_VALUE.sub(REDACTED, value)
    if isinstance(value, dict):
        return {
            key: REDACTED if isinstance(key, str) and _SECRET_KEY.search(key) else _redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_redacted(item) for item in value]
    return value


def configure_logs(level: str = "info", log_format: LogFormat = "auto") -> None:
    """Sends structlog's and the standard library's records of `level` and above to stderr.

    Args:
        level: `debug`, `info`, `warning`, `error` or `critical`.
        log_format: `auto` is console on a terminal and JSON elsewhere.

    Raises:
        ValueError: no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"unknown log level {level!r}: choose debug, info, warning, error or critical")
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendering(as_json=as_json))
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)


def _rendering(*, as_json: bool) -> list[Processor]:
    """Redaction comes after exceptions have become text, so that a secret in a traceback is blanked too."""
    without_meta: Processor = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if as_json:
        return [without_meta, structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer()]
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return [without_meta, structlog.processors.format_exc_info, redact, console]
