"""API keys: random secrets that are kept as salted digests in one file beside the spaces.

A key reads ``mneme_<id>_<secret>``. The secret has 256 random bits, so a fast salted digest is as safe as a slow one and no request pays
for the slow one. The file is read again when it changed, so a revocation holds at once, in every server process over the same root.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mneme import wire
from mneme.core.codec import loads
from mneme.core.errors import CorruptStore, InvalidInput, NewerStore, NotFound, Unauthorised
from mneme.server.shared_file import SharedFile
from mneme.service import RIGHTS, Caller

PREFIX = "mneme"
DEFAULT_RATE_PER_S = 1000.0
DEFAULT_BURST = 2000
DEFAULT_MAX_BYTES = 16 * 2**20

_VERSION = 1
_SECRET_BYTES = 32
_DIGEST_BYTES = 32
_REFUSED = "no key, or none that holds; send it as 'Authorization: Bearer mneme_...' and make one with `mneme keys create`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key without its secret.

    Args:
        id: the public part.
        name: what a person calls it; the journal names the caller by it and the id.
        salt, digest: of the secret, in hex.
        spaces: patterns of the spaces that it opens; ``*`` stands for any characters.
        rights: of ``read``, ``write``, ``erase`` and ``admin``.
        created_at, expires_at, revoked_at: its life; None is not yet.
        rate_per_s, burst: how many calls it may make in a second, and at once after a rest.
        max_bytes: how long a request may be.
    """

    id: str
    name: str
    salt: str
    digest: str
    spaces: tuple[str, ...] = ("*",)
    rights: tuple[str, ...] = RIGHTS
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rate_per_s: float = DEFAULT_RATE_PER_S
    burst: int = DEFAULT_BURST
    max_bytes: int = DEFAULT_MAX_BYTES

    def holds(self, now: datetime) -> bool:
        """Return whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def caller(self) -> Caller:
        """Return whoever comes with it."""
        return Caller(actor=f"key:{self.name}/{self.id}", spaces=self.spaces, rights=frozenset(self.rights), key_id=self.id)


_NOBODY = Key(id="", name="", salt="00" * 16, digest="00" * _DIGEST_BYTES, created_at=datetime(2000, 1, 1, tzinfo=UTC))


class Keys:
    """The keys of one root.

    Args:
        path: the file; None keeps them in memory, for tests.
        now: the clock.
    """

    def __init__(self, path: Path | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._file = None if path is None else SharedFile(path, self._read)
        self._now = now
        self._keys: dict[str, Key] = {}
        self._cursor_secret = b""

    @property
    def path(self) -> Path | None:
        """The file; None when they are in memory."""
        return None if self._file is None else self._file.path

    @property
    def is_new(self) -> bool:
        """Whether no key was ever made here."""
        return not self.list()

    def cursor_secret(self) -> bytes:
        """Return the secret that signs cursors; it is made once and shared by all servers over the root."""
        self._refresh()
        if not self._cursor_secret:
            self._change(lambda keys: keys)
        return self._cursor_secret

    def create(
        self,
        name: str,
        *,
        spaces: Sequence[str] = ("*",),
        rights: Sequence[str] = RIGHTS,
        expires_at: datetime | None = None,
        rate_per_s: float = DEFAULT_RATE_PER_S,
        burst: int | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> tuple[Key, str]:
        """Make a key; returns it and the text to hand out, which is kept nowhere.

        Raises:
            InvalidInput: an argument is bad.
            ReadOnly: the file can't be written.
        """
        _check(name, spaces, rights, rate_per_s, max_bytes)
        secret, salt = secrets.token_bytes(_SECRET_BYTES), secrets.token_bytes(16)
        key = Key(
            id=secrets.token_hex(5),
            name=name,
            salt=salt.hex(),
            digest=_digest(salt, secret).hex(),
            spaces=tuple(spaces),
            rights=tuple(right for right in RIGHTS if right in rights),
            created_at=self._now(),
            expires_at=expires_at,
            rate_per_s=rate_per_s,
            burst=max(1, round(2 * rate_per_s)) if burst is None else burst,
            max_bytes=max_bytes,
        )
        self._change(lambda keys: {**keys, key.id: key})
        return key, f"{PREFIX}_{key.id}_{base64.urlsafe_b64encode(secret).decode().rstrip('=')}"

    def list(self) -> list[Key]:
        """Return every key, revoked and expired ones too, oldest first."""
        self._refresh()
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.id))

    def revoke(self, id: str) -> Key:
        """Revoke a key; revoking twice is fine.

        Raises:
            NotFound: there is no such key.
        """

        def change(keys: dict[str, Key]) -> dict[str, Key]:
            if id not in keys:
                raise NotFound("key", id)
            key = keys[id]
            return {**keys, id: replace(key, revoked_at=key.revoked_at or self._now())}

        self._change(change)
        return self._keys[id]

    def check(self, token: str) -> Key:
        """Return the key of a token, after the same work for any token.

        Raises:
            Unauthorised: it is unknown, wrong, revoked or expired; the message does not say which.
        """
        self._refresh()
        id, secret = _parts(token)
        key = self._keys.get(id, _NOBODY)
        same = hmac.compare_digest(_digest(bytes.fromhex(key.salt), secret), bytes.fromhex(key.digest))
        if not same or key is _NOBODY or not key.holds(self._now()):
            raise Unauthorised(_REFUSED)
        return key

    def holds(self, id: str) -> bool:
        """Return whether the key of that id still holds, for calls that last."""
        self._refresh()
        key = self._keys.get(id)
        return key is not None and key.holds(self._now())

    def _refresh(self) -> None:
        if self._file is not None:
            self._file.refresh()

    def _read(self, content: bytes) -> None:
        try:
            plain = loads(content)
            if plain["version"] > _VERSION:
                raise NewerStore(f"keys: {self.path} was written by a newer mneme; upgrade mneme")
            keys = {one["id"]: wire.decode(Key, one) for one in plain["keys"]}
            secret = bytes.fromhex(plain["cursor_secret"])
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptStore(f"keys: {self.path} is not a file of keys; restore it from a backup, or remove it to begin anew") from error
        self._keys, self._cursor_secret = keys, secret

    def _change(self, change: Callable[[dict[str, Key]], dict[str, Key]]) -> None:
        if self._file is None:
            self._keys, self._cursor_secret = change(self._keys), self._cursor_secret or secrets.token_bytes(32)
        else:
            self._file.change(lambda: self._content(change(self._keys)))

    def _content(self, keys: dict[str, Key]) -> bytes:
        secret = self._cursor_secret or secrets.token_bytes(32)
        plain: dict[str, Any] = {"version": _VERSION, "cursor_secret": secret.hex(), "keys": list(keys.values())}
        return wire.encode(plain)


def _check(name: str, spaces: Sequence[str], rights: Sequence[str], rate_per_s: float, max_bytes: int) -> None:
    problems: dict[str, str] = {}
    if not name.strip() or len(name) > 100 or not name.isprintable():
        problems["name"] = "must have 1 to 100 printable characters"
    if not spaces or any(not pattern for pattern in spaces):
        problems["spaces"] = "names no space; give names or patterns such as 'team-a/*', or '*' for all"
    unknown = sorted(set(rights) - set(RIGHTS))
    if unknown or not rights:
        problems["rights"] = f"must be some of {', '.join(RIGHTS)}" + (f"; unknown: {', '.join(unknown)}" if unknown else "")
    if not rate_per_s > 0:
        problems["rate_per_s"] = "must be above 0"
    if max_bytes < 1024:
        problems["max_bytes"] = "must be at least 1024"
    if problems:
        raise InvalidInput(problems)


def _digest(salt: bytes, secret: bytes) -> bytes:
    return hashlib.blake2b(secret, salt=salt, digest_size=_DIGEST_BYTES).digest()


def _parts(token: str) -> tuple[str, bytes]:
    """Return the id and the secret of a token; nonsense gives an id that nobody has."""
    prefix, _, rest = token.partition("_")
    id, _, secret = rest.partition("_")
    if prefix != PREFIX or not secret.isascii() or len(secret) > 200:
        return "", b""
    try:
        return id, base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
    except ValueError:
        return "", b""
