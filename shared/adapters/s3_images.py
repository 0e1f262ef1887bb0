"""An image store in a bucket of any S3 server, with plain S3 calls: no lifecycle rules, no vendor's extensions.

An object is written with `If-None-Match: *`, so that the server itself refuses to write one twice; a server that
ignores that header is refused by `prepare`. What is old is deleted by the application, through `delete`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error

from shared.adapters.refs import checked_prefix, checked_ref
from shared.errors import BadInput, Conflict, ErrorCode, MissingResource, NotFound, Unavailable

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 3.0, 20.0
_PRESIGNED_FOR = timedelta(minutes=5)
"""How long the adapter's own signed PUT stays good; it is used at once."""

_PROBE = "prepare/probe.bin"
_ABSENT = ("NoSuchKey", "NoSuchBucket", "NotFound")
_NOT_AUTHORIZED = ("AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId")


@dataclass(frozen=True)
class S3Access:
    """Where the bucket is. `endpoint` is `host:port` without a scheme; `secret_key` is never printed."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    secure: bool = True

    def __repr__(self) -> str:
        return f"S3Access({self.endpoint}/{self.bucket})"


class S3ImageStore:
    """An `ImageStore` in one bucket; safe for threads. Nothing connects before the first use."""

    def __init__(self, access: S3Access, read_timeout_s: float = READ_TIMEOUT_S) -> None:
        self._access = access
        self._bucket = access.bucket
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=read_timeout_s),
            maxsize=32,
            retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
        )
        try:
            self._client = Minio(
                access.endpoint,
                access_key=access.access_key,
                secret_key=access.secret_key,
                region=access.region,
                secure=access.secure,
                http_client=self._http,
            )
        except ValueError as error:
            message = f"the S3 endpoint cannot be used ({error}): write host:port without a scheme or path"
            raise BadInput(ErrorCode.BAD_OPTION, message) from error

    def prepare(self) -> None:
        """Makes the bucket where it does not exist, and proves that the server does not write an object twice.

        Raises:
            MissingResource: the server ignores `If-None-Match`, or refuses these keys.
            Unavailable: it does not answer.
        """
        with self._outages(self._bucket):
            if not self._client.bucket_exists(self._bucket):
                try:
                    self._client.make_bucket(self._bucket, location=self._access.region)
                except S3Error as error:
                    if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                        raise
        self._write_once(_PROBE, b"probe")
        if self._write_once(_PROBE, b"probe"):
            raise MissingResource(
                ErrorCode.MISSING_DATA,
                f"the S3 server at {self._access.endpoint} ignores If-None-Match, so that images could be overwritten: "
                "use a server or version that heeds it",
            )

    def put(self, ref: str, data: bytes) -> str:
        """Stores and returns `ref`; see `ImageStore.put`."""
        checked_ref(ref)
        if not self._write_once(ref, data) and self.get(ref) != data:
            raise Conflict(ErrorCode.OBJECT_EXISTS, f"{ref} exists with other bytes: choose another key")
        return ref

    def get(self, ref: str) -> bytes:
        """The bytes; see `ImageStore.get`."""
        checked_ref(ref)
        with self._outages(ref):
            response = self._client.get_object(self._bucket, ref)
            try:
                return bytes(response.read())
            finally:
                response.close()
                response.release_conn()

    def refs(self, prefix: str) -> Sequence[str]:
        """All refs that begin with `prefix`, sorted."""
        checked_prefix(prefix)
        with self._outages(prefix):
            found = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
            names = sorted(str(item.object_name) for item in found)
        return [name for name in names if name != _PROBE]

    def delete(self, prefix: str) -> int:
        """Deletes every object whose ref begins with `prefix`; returns how many."""
        doomed = self.refs(prefix)
        with self._outages(prefix):
            failures = list(self._client.remove_objects(self._bucket, [DeleteObject(ref) for ref in doomed]))
        if failures:
            message = f"the S3 server did not delete {failures[0].name} ({failures[0].code}): try again"
            raise Unavailable(ErrorCode.STORE_UNAVAILABLE, message)
        return len(doomed)

    def link(self, ref: str, expires_s: int) -> str:
        """A URL that gives the object to whoever has it, for `expires_s` seconds.

        Raises:
            Unavailable: the link cannot be signed.
        """
        checked_ref(ref)
        with self._outages(ref):
            return self._client.presigned_get_object(self._bucket, ref, expires=timedelta(seconds=expires_s))

    def _write_once(self, ref: str, data: bytes) -> bool:
        """Whether the object did not exist and was written; a signed PUT, for the client's own takes no condition."""
        with self._outages(ref):
            url = self._client.get_presigned_url("PUT", self._bucket, ref, expires=_PRESIGNED_FOR)
            headers = {"If-None-Match": "*", "Content-Type": "application/octet-stream"}
            response = self._http.request("PUT", url, body=data, headers=headers)
        if response.status in (409, 412):
            return False
        if response.status != 200:
            raise _refusal(f"answered {response.status}", ref, authorized=response.status not in (401, 403))
        return True

    @contextmanager
    def _outages(self, what: str) -> Iterator[None]:
        """Turns what the server or the network refuses into this project's errors; no message holds a signed URL."""
        try:
            yield
        except S3Error as error:
            if error.code in _ABSENT:
                raise NotFound(ErrorCode.OBJECT_NOT_FOUND, f"there is no object {what}: check the key") from error
            raise _refusal(f"said {error.code}", what, authorized=error.code not in _NOT_AUTHORIZED) from error
        except (MinioException, urllib3.exceptions.HTTPError) as error:
            raise _refusal(f"does not answer ({type(error).__name__})", what, authorized=True) from None


def _refusal(said: str, what: str, *, authorized: bool) -> Unavailable | MissingResource:
    if not authorized:
        message = f"the S3 server {said} for {what}: check the access key, the secret key and the bucket's owner"
        return MissingResource(ErrorCode.MISSING_DATA, message)
    return Unavailable(
        ErrorCode.STORE_UNAVAILABLE, f"the S3 server {said} for {what}: check that it runs and try again"
    )
