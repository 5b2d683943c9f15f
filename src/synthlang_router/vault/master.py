"""`MasterKey`: the secret that wraps all others, from the configuration or from a file of ours; and `Envelope`."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synthlang_router.errors import BackendError, ConfigurationError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
MASTER_ID_BYTES: Final = 12


class Unsealable(BackendError):
    """A blob that no key at hand opens: erased, of another master key, moved to another row, or tampered with."""

    code = "content_unavailable"


class MasterKey:
    """32 secret bytes that wrap all others. Its id may be stored and shown."""

    __slots__ = ("_cipher", "id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes")
        self._cipher = AESGCM(derive(secret, b"wrap"))
        self.id: str = derive(secret, b"id").hex()[:MASTER_ID_BYTES]

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"

    @classmethod
    def parse(cls, text: str) -> MasterKey:
        """From the configuration: 64 hexadecimal digits."""
        try:
            return cls(bytes.fromhex(text.strip()))
        except ValueError:
            raise ConfigurationError("An encryption key is 64 hexadecimal digits.") from None

    @classmethod
    def load(cls, path: Path) -> MasterKey:
        """From a file of ours; refused where others may read it."""
        try:
            mode, text = path.stat().st_mode, path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"The data key {path} cannot be read.") from error
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigurationError(f"The data key {path} is readable by others: chmod 600 it.")
        return cls.parse(text)

    @classmethod
    def create(cls, path: Path) -> MasterKey:
        """Made where it is missing, 0600 and O_EXCL: of several processes one wins and all use its key."""
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                _write_secret(path, os.urandom(KEY_BYTES).hex().encode() + b"\n")
        except OSError as error:
            raise ConfigurationError(f"The data key {path} cannot be made.") from error
        return cls.load(path)

    def wrap(self, secret: bytes, context: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return decrypt(self._cipher, wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)


class Envelope:
    """A key of its own for one append-only file; `header` is it, wrapped, and opens the file again.

    The nonce is the caller's counter: never use one twice with the same envelope.
    """

    __slots__ = ("_cipher", "header")

    def __init__(self, secret: bytes, header: bytes) -> None:
        self._cipher = AESGCM(secret)
        self.header = header

    def seal(self, counter: int, plain: bytes, context: bytes) -> bytes:
        return self._cipher.encrypt(counter.to_bytes(NONCE_BYTES, "big"), plain, context)

    def open(self, counter: int, blob: bytes, context: bytes) -> bytes:
        return decrypt(self._cipher, counter.to_bytes(NONCE_BYTES, "big"), blob, context)


def derive(secret: bytes, label: bytes) -> bytes:
    """HKDF's expand step for one block (RFC 5869 section 2.3); `secret` is already uniform."""
    return hmac.digest(secret, b"synthlang-router|" + label + b"\x01", hashlib.sha256)


def decrypt(cipher: AESGCM, nonce: bytes, blob: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, blob, context)
    except (InvalidTag, ValueError) as error:
        raise Unsealable("Stored content does not belong here, or it was changed.") from error


def _write_secret(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over one that is there: linked into place once it is on disk."""
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
