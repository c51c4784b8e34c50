"""The default embedder: all-MiniLM-L6-v2 in 8 bits, shipped with the package; no key, no network, no torch.

Every text is one run of the model on one thread, so a vector depends on its text alone, and several runs go on side by side to
keep all cores busy. Padded batches would be slower, and in 8 bits a text's vector would change with its neighbours.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures.thread import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from mneme.core.errors import CorruptStore, InvalidInput
from mneme.core.ports import FloatArray
from mneme.models.passages import passages, spread
from mneme.models.wordpiece import WordPiece

MOST_THREADS = 8
TEXTS_PER_THREAD = 4
MOST_AVERAGED = 32

_loading = threading.Lock()


def _renew_lock() -> None:
    global _loading
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):
    # A child of a fork must not wait for a lock that a thread of its parent held.
    os.register_at_fork(after_in_child=_renew_lock)


@cache
def _folder() -> Path:
    return Path(str(files("mneme.models"))) / "minilm"


@cache
def _card() -> dict[str, Any]:
    card: dict[str, Any] = json.loads((_folder() / "model.json").read_text(encoding="utf-8"))
    return card


@cache
def _tokenizer() -> WordPiece:
    return WordPiece.from_file(_folder() / "vocab.txt")


def _usable_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class LocalEmbedder:
    """Sentence vectors of 384 dimensions, computed in this process.

    The model is loaded by the first call that needs it. One instance serves any number of threads; a forked child loads its own.

    Args:
        threads: how many texts are embedded side by side; None takes every core this process may use, at most eight.

    Example:
        >>> vectors = LocalEmbedder().embed(["I moved to Porto.", "My new home is in Portugal.", "Cats purr."])
        >>> bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
        True
    """

    def __init__(self, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise InvalidInput({"threads": f"{threads} is less than one; leave it out to use every core"})
        self._threads = threads
        self._session: tuple[int, Any] | None = None

    @property
    def identity(self) -> str:
        """The model and the first digits of its file's SHA-256."""
        card = _card()
        return f"local:{card['name']}@{card['sha256'][:8]}"

    @property
    def width(self) -> int:
        """The length of a vector: 384."""
        width: int = _card()["width"]
        return width

    @property
    def window_tokens(self) -> int:
        """The most word pieces of a passage, start and end marks left out."""
        window: int = _card()["window_tokens"]
        return window

    def count_tokens(self, text: str) -> int:
        """Return the number of word pieces of ``text``, start and end marks left out."""
        return len(_tokenizer().encode(text))

    def passages(self, text: str) -> list[str]:
        """Return ``text`` cut into overlapping passages of at most ``window_tokens`` pieces, at sentences; itself if it fits."""
        return passages(text, self.count_tokens, self.window_tokens)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return one vector for each text.

        Args:
            texts: any strings, the empty one too. A text longer than the model can read at once (510 word pieces) gets the mean of
                its passages' vectors, of a very long one of 32 of them; to find a long text by its details, embed its :meth:`passages`
                as texts of their own.

        Returns:
            ``(n, 384) float32 unit-norm``, in the order of ``texts``. A text has the same vector alone and among others.
        """
        if isinstance(texts, str):
            raise InvalidInput({"texts": "it is one string; pass a list of strings"})
        session = self._loaded()
        vectors = np.empty((len(texts), self.width), dtype=np.float32)
        rest = iter(range(len(texts)))

        def work() -> None:
            # Every thread takes the next text that nobody has taken, so that long ones do not hold up the others.
            for index in rest:
                vectors[index] = self._vector(session, texts[index])

        helpers = min(self._workers(), len(texts) // TEXTS_PER_THREAD) - 1
        if helpers < 1:
            work()
            return vectors
        with ThreadPoolExecutor(helpers, thread_name_prefix="mneme-embed") as pool:
            others: list[Future[None]] = []
            # While the interpreter shuts down there are no new threads: this one then does all the work.
            with contextlib.suppress(RuntimeError):
                others += (pool.submit(work) for _ in range(helpers))
            work()
            for other in others:
                other.result()
        return vectors

    def _workers(self) -> int:
        return self._threads or min(_usable_cores(), MOST_THREADS)

    def _vector(self, session: Any, text: str) -> FloatArray:
        tokenizer = _tokenizer()
        pieces = tokenizer.encode(text)
        if len(pieces) <= _card()["most_tokens"]:
            ids = np.array([tokenizer.start, *pieces, tokenizer.end], dtype=np.int64)
            vector: FloatArray = session.run(None, {"ids": ids})[0]
            return vector
        parts = np.stack([self._vector(session, passage) for passage in spread(self.passages(text), MOST_AVERAGED)])
        mean: FloatArray = parts.mean(axis=0)
        mean /= np.linalg.norm(mean)
        return mean

    def _loaded(self) -> Any:
        """Return this process's session; the first call creates it."""
        held = self._session
        if held is not None and held[0] == os.getpid():
            return held[1]
        with _loading:
            held = self._session
            if held is None or held[0] != os.getpid():
                held = self._session = (os.getpid(), open_session(_folder() / "model.onnx"))
        return held[1]


def open_session(path: Path) -> Any:
    """Return a runtime session for the packed model.

    Raises:
        CorruptStore: the file is missing or damaged.
    """
    # Official builds keep usage events in the user's cache folder and send them; mneme talks to nobody.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The file is fused already; the runtime's own fusion of additions into normalisations costs a third of the speed.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    # Without its arena the runtime gives memory back after a long text, and is as fast.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (ort.capi.onnxruntime_pybind11_state.NoSuchFile, ort.capi.onnxruntime_pybind11_state.InvalidProtobuf) as error:
        raise CorruptStore(f"model: {path} is missing or damaged; install mneme again") from error
