"""Changing the embedding model of a space: new vectors beside the old ones, then one atomic switch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mneme.core.ports import Embedder
from mneme.engine.material import keys
from mneme.engine.opened import Opened

_CHUNK = 256


def reembed(opened: Opened, embedder: Embedder, progress: Callable[[int, int], None] | None) -> int:
    """Give every text a vector of the model and switch when all have one.

    Recalls through the old model go on until the switch. What others write meanwhile is picked up before it; an interrupted run goes on
    where it stopped.

    Returns:
        How many texts got a new vector; 0 when the space already uses the model.
    """
    store = opened.store
    if store.meta().get("model", "") in ("", embedder.identity):
        return 0
    total = len(store.index_rows(vectors=False).row)
    done = 0
    while True:
        while part := store.unstaged(embedder.identity, limit=_CHUNK):
            passages = [keys(memory, embedder) for _, _, memory in part]
            vectors = embedder.embed([passage for parts in passages for passage in parts])
            cuts = np.cumsum([len(parts) for parts in passages])[:-1]
            store.stage_vectors(embedder.identity, [row for row, _, _ in part], [v for _, v, _ in part], np.split(vectors, cuts))
            done += len(part)
            if progress is not None:
                progress(done, max(total, done))
        if store.switch_model(embedder.identity, embedder.width):
            opened.current.drop()
            return done
