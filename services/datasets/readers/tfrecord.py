"""TFRecord files and the `tf.train.Example`s in them, without TensorFlow and without protobuf's code generator.

Framing after TensorFlow's `tsl/lib/io/record_writer.h`: length (uint64), masked CRC-32C of the length, data, masked
CRC-32C of the data, all little-endian. The messages are those of `example.proto` and `feature.proto`; their wire format
is protobuf's. Knows no data set.
"""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from shared.errors import BadInput, ErrorCode

Values = tuple[bytes, ...] | tuple[float, ...] | tuple[int, ...]
"""A feature's values: a `BytesList`, a `FloatList` or an `Int64List`."""

MASK_DELTA = 0xA282EAD8
"""TensorFlow's masking of a checksum that lies beside its own data (`tsl/lib/hash/crc32c.h`)."""
_POLYNOMIAL = 0x82F63B78
"""Castagnoli, reflected (RFC 3720, 12.1)."""
_LARGEST_RECORD = 1 << 30
"""A record over a gibibyte is a damaged length."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli) as in RFC 3720; `crc32c(b"123456789")` is 0xE3069283."""
    value, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def masked_crc(data: bytes) -> int:
    """The checksum as TFRecord stores it."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + MASK_DELTA) & 0xFFFFFFFF


def read_tfrecord(path: Path) -> Iterator[bytes]:
    """The data of every record, each checked.

    Raises:
        BadInput: FILE_NOT_READABLE, the file cannot be opened, is cut short, or a checksum does not fit.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror})") from error
    with stream:
        number = 0
        while head := stream.read(12):
            if len(head) < 12:
                raise _bad(path, f"is cut short after record {number}")
            length, length_crc = struct.unpack("<QI", head)
            if masked_crc(head[:8]) != length_crc or length > _LARGEST_RECORD:
                raise _bad(path, f"is no TFRecord file, or damaged at record {number}")
            body = stream.read(length + 4)
            if len(body) < length + 4:
                raise _bad(path, f"is cut short in record {number}")
            data = body[:length]
            if masked_crc(data) != struct.unpack("<I", body[length:])[0]:
                raise _bad(path, f"is damaged in record {number}")
            yield data
            number += 1


def parse_example(data: bytes) -> Mapping[str, Values]:
    """The features of a serialised `tf.train.Example`, by name.

    Raises:
        ValueError: the bytes are no such message.
    """
    features: dict[str, Values] = {}
    for _, block in _messages(data, 1):
        for _, entry in _messages(block, 1):
            fields = dict(_messages(entry, 1, 2))
            features[fields[1].decode() if 1 in fields else ""] = _feature(fields.get(2, b""))
    return features


def _feature(data: bytes) -> Values:
    """One of the three lists; an unset one is empty."""
    values: Values = ()
    for kind, block in _messages(data, 1, 2, 3):
        if kind == 1:
            values = tuple(content for _, content in _messages(block, 1))
        elif kind == 2:
            values = tuple(_floats(block))
        else:
            values = tuple(_integers(block))
    return values


def _floats(block: bytes) -> Iterator[float]:
    """Packed, as every writer of proto3 does it, or one by one."""
    for _, wire, content in _fields(block):
        if wire not in (2, 5) or len(content) % 4:
            raise ValueError("a FloatList of another wire type")
        yield from np.frombuffer(content, "<f4").astype(float).tolist()


def _integers(block: bytes) -> Iterator[int]:
    for _, wire, content in _fields(block):
        if wire not in (0, 2):
            raise ValueError("an Int64List of another wire type")
        at = 0
        while at < len(content):
            value, at = _varint(content, at)
            yield value - (1 << 64) if value >> 63 else value


def _messages(data: bytes, *numbers: int) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of these numbers; others are of a newer schema and passed over."""
    for number, wire, content in _fields(data):
        if number in numbers:
            if wire != 2:
                raise ValueError(f"field {number} is not length-delimited")
            yield number, content


def _fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(number, wire type, raw content) of each field; a varint's content is its own bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            _, end = _varint(data, at)
        elif wire == 2:
            length, at = _varint(data, at)
            end = at + length
        elif wire in (1, 5):
            end = at + (8 if wire == 1 else 4)
        else:
            raise ValueError(f"wire type {wire}")
        if end > len(data):
            raise ValueError("a field runs past the end")
        yield key >> 3, wire, data[at:end]
        at = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a varint runs past the end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise ValueError("a varint of more than ten bytes")


def _bad(path: Path, reason: str) -> BadInput:
    return BadInput(ErrorCode.FILE_NOT_READABLE, f"{path} {reason}: fetch the file again (Git LFS stores such files)")
