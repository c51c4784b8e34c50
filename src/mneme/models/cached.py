"""An embedder that remembers: vectors kept in a folder, so that no text is embedded twice.

Every process appends to a file of its own and reads everybody's, so no process waits for another and none can spoil another's work.
A record is a key, a checksum and a vector; one that was cut short or damaged is as good as absent.
"""

from __future__ import annotations

import hashlib
import os
import threading
import uuid
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mneme.core.errors import InvalidInput, ReadOnly, StorageError
from mneme.core.ports import Embedder, FloatArray

KEY_BYTES = 16


class CachedEmbedder:
    """``inner``, with every vector kept in a folder. Safe for several threads and processes.

    Args:
        inner: the embedder that is asked for what is not there yet.
        path: a folder; it is created by the first vector, and may hold the vectors of several models. It can be deleted at any time
            when nobody uses it.
    """

    def __init__(self, inner: Embedder, path: Path | str) -> None:
        self._inner = inner
        self._folder = Path(path)
        if self._folder.exists() and not self._folder.is_dir():
            raise InvalidInput({"path": f"{self._folder} is a file; name a folder"})
        self._lock = threading.Lock()
        self._places: dict[bytes, tuple[str, int]] = {}
        self._files: dict[str, NDArray[np.void]] = {}
        self._own: tuple[int, Path] | None = None
        self.hits = 0
        self.misses = 0

    @property
    def identity(self) -> str:
        """The inner embedder's identity."""
        return self._inner.identity

    @property
    def width(self) -> int:
        """The length of a vector."""
        return self._inner.width

    def passages(self, text: str) -> list[str]:
        """Return the inner embedder's passages of ``text``."""
        return self._inner.passages(text)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return ``(n, width) float32 unit-norm``, in the order of ``texts``; a text that occurs twice is embedded once.

        Raises:
            ReadOnly: the folder can't be written.
            StorageError: a vector can't be written, for example because the disk is full.
        """
        if isinstance(texts, str):
            raise InvalidInput({"texts": "it is one string; pass a list of strings"})
        keys = [self._key(text) for text in texts]
        with self._lock:
            found = self._find(keys)
            self.hits += sum(key in found for key in keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            vectors = self._inner.embed(list(missing.values()))
            with self._lock:
                self.misses += len(missing)
                self._append(list(missing), vectors)
            found |= zip(missing, vectors, strict=True)
        if not keys:
            return np.empty((0, self.width), dtype=np.float32)
        return np.stack([found[key] for key in keys])

    def _key(self, text: str) -> bytes:
        content = f"{self.identity}\0{text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, digest_size=KEY_BYTES).digest()

    def _record(self) -> np.dtype[np.void]:
        return np.dtype([("key", "u1", KEY_BYTES), ("checksum", "<u4"), ("vector", "<f4", self.width)])

    def _prefix(self) -> str:
        return hashlib.blake2b(f"{self.identity}\0{self.width}".encode(), digest_size=6).hexdigest()

    def _find(self, keys: Sequence[bytes]) -> dict[bytes, FloatArray]:
        """Return what is there of ``keys``, looking for other processes' vectors only if something is missing."""
        if any(key not in self._places for key in keys):
            self._refresh()
        found: dict[bytes, FloatArray] = {}
        for key in keys:
            place = self._places.get(key)
            if place is None or key in found:
                continue
            record = self._files[place[0]][place[1]]
            vector: FloatArray = np.array(record["vector"], dtype=np.float32)
            if record["checksum"] == _checksum(key, vector):
                found[key] = vector
        return found

    def _refresh(self) -> None:
        """Read the keys that were added since the last look, by anyone."""
        record = self._record()
        for path in sorted(self._folder.glob(f"{self._prefix()}-*.vectors")):
            known = len(self._files.get(path.name, ()))
            count = path.stat().st_size // record.itemsize
            if count <= known:
                continue
            rows = np.memmap(path, dtype=record, mode="r", shape=(count,))
            self._files[path.name] = rows
            for place, key in enumerate(rows["key"][known:], start=known):
                self._places[key.tobytes()] = (path.name, place)

    def _append(self, keys: Sequence[bytes], vectors: FloatArray) -> None:
        rows = np.zeros(len(keys), dtype=self._record())
        rows["key"] = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(len(keys), KEY_BYTES)
        rows["vector"] = vectors
        rows["checksum"] = [_checksum(key, vector) for key, vector in zip(keys, vectors, strict=True)]
        if self._own is None or self._own[0] != os.getpid():
            self._own = (os.getpid(), self._folder / f"{self._prefix()}-{uuid.uuid4().hex}.vectors")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._own[1].open("ab") as file:
                file.write(rows.tobytes())
        except PermissionError as error:
            raise ReadOnly(f"path: {self._folder} can't be written; choose another folder") from error
        except OSError as error:
            # A record may be cut short, and what follows it would be out of step: the next vectors go to a new file.
            self._own = None
            raise StorageError(f"path: vectors can't be written to {self._folder} ({error.strerror}); free some space") from error


def _checksum(key: bytes, vector: FloatArray) -> int:
    return zlib.crc32(vector.astype("<f4").tobytes(), zlib.crc32(key))
