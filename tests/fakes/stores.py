"""The adapters that the contract tests run against, each made afresh; real servers are started once for a test run."""

import atexit
import tempfile
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fakes.redis_server import RedisServer
from fakes.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

from shared.adapters.file_images import FileImageStore
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.adapters.redis_connection import RedisConnection
from shared.adapters.redis_gateway import RedisFeedbackStore, RedisUploadStore
from shared.adapters.redis_jobs import RedisJobStore
from shared.adapters.s3_images import S3Access, S3ImageStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.ports import FeedbackStore, ImageStore, JobCatalog, UploadStore


def sqlite_jobs(folder: Path) -> Iterator[JobCatalog]:
    store = SqliteJobStore(folder / "jobs.sqlite3")
    yield store
    store.close()


def memory_jobs(_: Path) -> Iterator[JobCatalog]:
    yield MemoryJobStore()


def redis_jobs(_: Path) -> Iterator[JobCatalog]:
    connection = fresh_redis()
    yield RedisJobStore(connection)
    connection.close()


def redis_uploads(_: Path) -> Iterator[UploadStore]:
    connection = fresh_redis()
    yield RedisUploadStore(connection)
    connection.close()


def redis_feedback(_: Path) -> Iterator[FeedbackStore]:
    connection = fresh_redis()
    yield RedisFeedbackStore(connection)
    connection.close()


def fresh_redis() -> RedisConnection:
    """A corner of its own in the server that all tests of this process share."""
    return RedisConnection(shared_redis().url, prefix=f"{uuid.uuid4().hex}:")


@cache
def shared_redis() -> RedisServer:
    folder = tempfile.TemporaryDirectory(prefix="retoucher-redis-")
    server = RedisServer(Path(folder.name)).start()
    atexit.register(folder.cleanup)
    atexit.register(server.kill)
    return server


def memory_images(_: Path) -> ImageStore:
    return MemoryImageStore()


def file_images(folder: Path) -> ImageStore:
    return FileImageStore(folder / "images")


def s3_images(_: Path) -> ImageStore:
    """A bucket of its own in the server that all tests of this process share."""
    store = S3ImageStore(s3_access())
    store.prepare()
    return store


def s3_access(bucket: str = "", secret_key: str = SECRET_KEY) -> S3Access:
    name = bucket or f"b{uuid.uuid4().hex}"
    return S3Access(shared_s3().endpoint, name, ACCESS_KEY, secret_key, secure=False)


@cache
def shared_s3() -> S3Server:
    folder = tempfile.TemporaryDirectory(prefix="retoucher-s3-")
    server = S3Server(Path(folder.name)).start()
    atexit.register(folder.cleanup)
    atexit.register(server.kill)
    return server
