"""What only a bucket can show: who may read it, links that end, and what a server that is away or unfit looks like."""

import time

import pytest
import urllib3
from fakes.http_answers import Answering
from fakes.stores import s3_access, s3_images

from shared.adapters.s3_images import S3Access, S3ImageStore
from shared.errors import BadInput, ErrorCode, MissingResource, Unavailable


@pytest.fixture
def store(tmp_path: object) -> S3ImageStore:
    store = S3ImageStore(s3_access("shared-bucket"))
    store.prepare()
    store.put("job_1/a.png", b"bytes")
    return store


def fetch(url: str) -> tuple[int, bytes]:
    response = urllib3.PoolManager(retries=False).request("GET", url)
    return response.status, response.data


def test_a_link_gives_the_object_without_a_key(store: S3ImageStore) -> None:
    assert fetch(store.link("job_1/a.png", 60)) == (200, b"bytes")


def test_a_link_is_good_for_its_object_alone(store: S3ImageStore) -> None:
    store.put("job_1/b.png", b"other")
    link = store.link("job_1/a.png", 60)
    assert fetch(link.replace("a.png", "b.png"))[0] == 403
    assert fetch(link.partition("?")[0])[0] in (400, 401, 403)


def test_a_link_ends(store: S3ImageStore) -> None:
    link = store.link("job_1/a.png", 1)
    time.sleep(2.5)
    assert fetch(link)[0] == 403


def test_a_wrong_secret_is_refused_and_not_printed(store: S3ImageStore) -> None:
    stranger = S3ImageStore(s3_access("shared-bucket", secret_key="not-the-secret"))
    for use in (
        lambda: stranger.get("job_1/a.png"),
        lambda: stranger.put("job_1/c.png", b"x"),
        lambda: stranger.refs(""),
        lambda: stranger.delete("job_1/"),
    ):
        with pytest.raises(MissingResource, match="check the access key") as refusal:
            use()
        assert "not-the-secret" not in str(refusal.value)
    assert "not-the-secret" not in repr(s3_access("shared-bucket", secret_key="not-the-secret"))
    assert list(store.refs("job_1/c")) == []


def test_preparing_twice_changes_nothing(store: S3ImageStore) -> None:
    store.prepare()
    assert list(store.refs("")) == sorted(store.refs("job_1/"))


def test_a_server_that_is_away_is_unavailable() -> None:
    store = S3ImageStore(S3Access("127.0.0.1:9", "images", "key", "secret", secure=False))
    for use in (lambda: store.get("a.png"), lambda: store.put("a.png", b"x"), lambda: store.prepare()):
        with pytest.raises(Unavailable, match="does not answer") as refusal:
            use()
        assert refusal.value.code is ErrorCode.STORE_UNAVAILABLE
        assert "Signature" not in str(refusal.value)


def test_a_server_that_overwrites_is_refused() -> None:
    """It answers 200 to whatever is asked of it, `If-None-Match` or not."""
    with Answering(200) as server:
        store = S3ImageStore(S3Access(server.endpoint, "images", "key", "secret", secure=False))
        with pytest.raises(MissingResource, match="ignores If-None-Match"):
            store.prepare()


def test_a_server_that_fails_is_unavailable() -> None:
    with Answering(503) as server:
        store = S3ImageStore(S3Access(server.endpoint, "images", "key", "secret", secure=False))
        with pytest.raises(Unavailable):
            store.put("a.png", b"x")


def test_an_endpoint_with_a_path_is_bad_input() -> None:
    with pytest.raises(BadInput, match="host:port"):
        S3ImageStore(S3Access("http://s3.example/a/b", "images", "key", "secret"))


def test_many_objects_are_listed_and_deleted(tmp_path: object) -> None:
    store = s3_images(None)  # type: ignore[arg-type]
    for number in range(30):
        store.put(f"job_1/s1-d1/r{number}.mask.png", b"x")
    assert len(store.refs("job_1/")) == 30
    assert store.delete("job_1/") == 30
