"""Server-sent events, however the bytes are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from retoucher_client.sse import EventStream, Message

WIRE = (
    ": heartbeat\r\n\r\n"
    'id: 1\r\nevent: job.started\r\ndata: {"seq": 1}\r\n\r\n'
    "retry: 3000\n\n"
    "id: 2\nevent: stage.started\ndata: größer\ndata:zwei\n\n"
    "data\n\n"
    "event: nothing\n\n"
    "id: 3\rdata: drei\r\r"
    "id: 4\ndata: never finished\n"
).encode()
MESSAGES = [
    Message("1", "job.started", '{"seq": 1}'),
    Message("2", "stage.started", "größer\nzwei"),
    Message(None, "message", ""),
    Message("3", "message", "drei"),
]


def read(*chunks: bytes) -> list[Message]:
    stream = EventStream()
    return [message for chunk in chunks for message in stream.feed(chunk)]


def test_messages_comments_and_line_ends():
    assert read(WIRE) == MESSAGES


@given(st.lists(st.integers(0, len(WIRE)), max_size=8))
def test_any_cut_gives_the_same(cuts):
    points = [0, *sorted(cuts), len(WIRE)]
    assert read(*(WIRE[a:b] for a, b in pairwise(points))) == MESSAGES


def test_byte_by_byte():
    assert read(*(bytes([byte]) for byte in WIRE)) == MESSAGES


def test_a_byte_order_mark_is_no_field():
    assert read(b"\xef\xbb\xbfdata: a\n\n") == [Message(None, "message", "a")]
