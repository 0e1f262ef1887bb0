"""What to compare with: FastAPI with a route that takes a body and one that answers a small JSON, and nothing else."""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, Request

app = FastAPI()


@app.post("/v1/jobs", status_code=202)
async def take(request: Request) -> dict[str, int]:
    """Reads the body as it comes and forgets it."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return {"bytes": size}


@app.get("/v1/jobs/{job_id}")
async def show(job_id: str) -> dict[str, Any]:
    """A constant answer."""
    return {"id": job_id, "status": "queued"}


@app.get("/livez")
async def live() -> dict[str, bool]:
    """A smaller one."""
    return {"live": True}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
