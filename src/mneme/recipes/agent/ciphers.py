"""Sealing of values at rest, by the package ``cryptography``: Fernet (AES-128-CBC with HMAC-SHA256), keys derived by scrypt.

A wrong key, and a value that was tampered with, fail closed: there is an error and no text. Keys are the caller's to keep; losing the key
loses what it sealed.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mneme.core.errors import InvalidInput, MissingExtra, Refused

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

SALT_BYTES = 16
_COST = 2**15


class Cipher:
    """Seals and opens short texts.

    Args:
        keys: as :func:`new_key` or :func:`derived_key` return them; the first seals, all open, so that a key can be replaced.

    Raises:
        MissingExtra: the package ``cryptography`` is not there.
        InvalidInput: a key is none.
    """

    def __init__(self, *keys: str) -> None:
        try:
            from cryptography.fernet import Fernet, MultiFernet
        except ImportError as error:
            raise MissingExtra("cryptography", "vault") from error
        if not keys:
            raise InvalidInput({"keys": "are missing; give one of new_key()"})
        try:
            self._fernet: MultiFernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise InvalidInput({"keys": "hold something that is no key; give one of new_key() or derived_key()"}) from error

    def seal(self, text: str) -> str:
        """Return the text sealed; the same text gives another result each time."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return what was sealed.

        Raises:
            Refused: none of the keys opens it, or it was changed.
        """
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise Refused("vault: the key does not open this value, or the value was changed; give the key that sealed it") from error

    def again(self, sealed: str) -> str:
        """Return a sealed value under the first key, so that an old one can be given up."""
        return self.seal(self.open(sealed))

    def __repr__(self) -> str:
        return "Cipher(keys=•••)"


def new_key() -> str:
    """Return a fresh random key."""
    try:
        from cryptography.fernet import Fernet
    except ImportError as error:
        raise MissingExtra("cryptography", "vault") from error
    return Fernet.generate_key().decode()


def derived_key(passphrase: str, salt: bytes) -> str:
    """Return the key of a passphrase; the same salt gives the same key.

    Args:
        passphrase: at least 8 characters.
        salt: 16 random bytes, kept beside the data; it is no secret.

    Raises:
        InvalidInput: one of them is too short.
    """
    problems = {}
    if len(passphrase) < 8:
        problems["passphrase"] = "has fewer than 8 characters; give a longer one"
    if len(salt) < SALT_BYTES:
        problems["salt"] = f"has fewer than {SALT_BYTES} bytes; give os.urandom({SALT_BYTES})"
    if problems:
        raise InvalidInput(problems)
    try:
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
    except ImportError as error:
        raise MissingExtra("cryptography", "vault") from error
    return base64.urlsafe_b64encode(Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(passphrase.encode())).decode()


def reseal(values: Sequence[str], old: str, new: str) -> list[str]:
    """Return sealed values under a new key."""
    cipher = Cipher(new, old)
    return [cipher.again(value) for value in values]
