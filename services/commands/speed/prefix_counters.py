"""What vLLM's `/metrics` says of its prefix cache: how many of the asked tokens it had computed already."""

from dataclasses import dataclass

import httpx

from shared.reasoning_settings import ReasoningSettings

QUERIES, HITS = "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total"
"""Tokens that were looked up, and found, since the server's start."""


@dataclass(frozen=True)
class Count:
    """Tokens so far."""

    queries: float
    hits: float


class Counters:
    """Reads them beside the server's `/v1`; a server that has none is no error."""

    def __init__(self, settings: ReasoningSettings) -> None:
        self._url = f"{str(settings.url).rstrip('/').removesuffix('/v1')}/metrics"
        key = settings.api_key
        self._headers = {"authorization": f"Bearer {key.get_secret_value()}"} if key is not None else {}

    def read(self) -> Count | None:
        """None where the server does not count."""
        try:
            answer = httpx.get(self._url, headers=self._headers, timeout=30, trust_env=False)
        except httpx.TransportError:
            return None
        if answer.status_code != httpx.codes.OK:
            return None
        queries, hits = _sum(answer.text, QUERIES), _sum(answer.text, HITS)
        return None if queries is None or hits is None else Count(queries, hits)

    def kept_since(self, before: Count | None) -> float | None:
        """Share of the tokens asked since then that were not computed again, in [0, 1]."""
        now = self.read()
        if before is None or now is None or now.queries <= before.queries:
            return None
        return (now.hits - before.hits) / (now.queries - before.queries)


def _sum(text: str, name: str) -> float | None:
    """Over all engines; None where there is no such counter."""
    lines = [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
    return sum(float(line.rpartition(" ")[2]) for line in lines) if lines else None
