"""Signatures of calls by Standard Webhooks 1.0 (its `spec/standard-webhooks.md`): HMAC-SHA256 with shared secrets.

What verifiers really take was tried (docs/deliver.md): the secret with `+`, `/` and padding; entries with one space
between them in one line; whole seconds, new for each try.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
SECRETS_MAX = 2  # an old and a new one, while receivers move from one to the other
_BYTES_MIN, _BYTES_MAX = 24, 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def fault(secret: str) -> str | None:
    """What is wrong with a secret, in words; None if nothing is."""
    if not secret.startswith(PREFIX):
        return f"must begin with {PREFIX}"
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return f"must be {PREFIX} and base64 with + and / and its = at the end"
    if not _BYTES_MIN <= len(key) <= _BYTES_MAX:
        return f"must hold {_BYTES_MIN} to {_BYTES_MAX} bytes, this one holds {len(key)}"
    return None


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One entry of the header, `v1,` and base64."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Without a secret there is no signature, but the id and the time are told all the same."""
    found = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if secrets:
        found["webhook-signature"] = " ".join(signature(one, message_id, timestamp, body) for one in secrets)
    return found
