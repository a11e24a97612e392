"""Names and ids: slugs for topic levels, and digests that make a repeat recognisable.

Source: level alphabet of DESIGN §6, `[a-z0-9_-]{1,64}`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_NOT_LEVEL = re.compile(r"[^a-z0-9_-]+")
_MAX_LEVEL = 64
_SEPARATOR = "\x1f"
MARK_BYTES = 8


def slug(name: str) -> str:
    """The topic level for a name: lower case, accents folded, other characters `-`; empty when nothing is left."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_LEVEL.sub("-", folded).strip("-")[:_MAX_LEVEL].rstrip("-")


def digest(*parts: str) -> str:
    """A 16-digit hexadecimal digest of the parts, the same on every machine; parts cannot run into each other."""
    joined = _SEPARATOR.join(part.replace(_SEPARATOR, " ") for part in parts)
    return hashlib.blake2s(joined.encode("utf-8", "surrogatepass"), digest_size=MARK_BYTES).hexdigest()


def mark(topic: str, payload: bytes) -> bytes:
    """The eight bytes by which a message is known when it comes again: those of `digest(topic, payload.hex())`."""
    joined = f"{topic.replace(_SEPARATOR, ' ')}{_SEPARATOR}{payload.hex()}"
    return hashlib.blake2s(joined.encode("utf-8", "surrogatepass"), digest_size=MARK_BYTES).digest()
