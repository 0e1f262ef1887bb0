"""What is kept of an API key: everything but the key."""

from pydantic import Field

from shared.contracts.base import Contract


class ApiKey(Contract):
    """A key as stored.

    Attributes:
        id: the part of the key between its underscores; no secret.
        owner: whose jobs the key sees. Several keys of one owner see the same jobs, so that a key can be replaced.
        label: what people call the key.
        secret_sha256: hash of the secret part, hexadecimal. A fast hash is right: the secret is 256 random bits, which
            nobody can guess at any speed; slow hashes are for passwords, and would cost every request.
        last_used_at_s: to the minute or so.
        revoked_at_s: from then on the key is refused; None while it is good.
    """

    id: str = Field(pattern=r"^[a-z0-9]{12}$")
    owner: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    label: str = Field(default="", max_length=100)
    secret_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)
    created_at_s: float
    last_used_at_s: float | None = None
    revoked_at_s: float | None = None
