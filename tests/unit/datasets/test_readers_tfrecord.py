"""The TFRecord framing and `tf.train.Example`, against values published for them and against a writer of the test's."""

import contextlib
import struct
from pathlib import Path

import pytest
from fakes.tfrecords import example, field, record, varint
from hypothesis import given
from hypothesis import strategies as st

from services.datasets.readers.tfrecord import crc32c, masked_crc, parse_example, read_tfrecord
from shared.errors import BadInput, ErrorCode


def test_checksum_is_that_of_rfc_3720() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(b"\xff" * 32) == 0x62A8AB43


def test_records_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "one.tfrecord"
    path.write_bytes(record(b"foo") + record(b"") + record(b"x" * 300))
    assert list(read_tfrecord(path)) == [b"foo", b"", b"x" * 300]
    # rotated right by 15 and shifted by the constant, written out for one value
    crc = 0xE3069283
    assert masked_crc(b"123456789") == (((crc >> 15) | (crc << 17) & 0xFFFFFFFF) + 0xA282EAD8) % 2**32


def test_an_example_in_known_bytes() -> None:
    # a: int64 1 and -1, b: bytes "x", c: float 0.5, as Google's protobuf runtime serialises it
    known = bytes.fromhex(
        "0a310a140a0161120f1a0d0a0b01ffffffffffffffffff010a0a0a016212050a030a01780a0d0a0163120812060a040000003f"
    )
    assert parse_example(known) == {"a": (1, -1), "b": (b"x",), "c": (0.5,)}


def test_floats_that_are_not_packed() -> None:
    single = field(2, varint(1 << 3 | 5) + struct.pack("<f", 0.25) + varint(1 << 3 | 5) + struct.pack("<f", 2.0))
    data = field(1, field(1, field(1, b"s") + field(2, single)))
    assert parse_example(data) == {"s": (0.25, 2.0)}


@given(
    st.dictionaries(
        st.text(max_size=6),
        st.one_of(
            st.lists(st.binary(max_size=200), max_size=3),
            st.lists(st.floats(width=32, allow_nan=False), max_size=4),
            st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read(features: dict[str, list]) -> None:
    assert parse_example(example(features)) == {name: tuple(values) for name, values in features.items()}


@given(st.binary(max_size=60))
def test_other_bytes_are_parsed_or_refused_and_nothing_else(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse_example(data)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[:-1], "cut short in record 1"),
        (lambda data: data[:-17], "cut short"),
        (lambda data: data[:14] + b"?" + data[15:], "damaged in record 0"),
        (lambda data: b"version https://git-lfs.github.com/spec/v1\n" + data, "no TFRecord file"),
    ],
)
def test_a_damaged_file_is_said(spoil, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.tfrecord"
    path.write_bytes(spoil(record(b"first") + record(b"second")))
    with pytest.raises(BadInput, match=words) as caught:
        list(read_tfrecord(path))
    assert caught.value.code is ErrorCode.FILE_NOT_READABLE


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        list(read_tfrecord(tmp_path / "none.tfrecord"))
