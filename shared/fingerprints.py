"""Tells files apart by their bytes."""

import hashlib
from pathlib import Path


def fingerprint(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
