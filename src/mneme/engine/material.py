"""What search needs of a text: its keys, their vectors and its terms; embedding and terms are worked out side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mneme.core.errors import InvalidInput
from mneme.core.ports import Embedder, Material
from mneme.core.records import Memory
from mneme.text.analyser import Analyser
from mneme.text.sentences import sentences

SEGMENT_WORDS = 40
MOST_SEGMENTS = 8
MAX_SEGMENTED_CHARS = 20_000
ASKERS = frozenset({"user", "human"})


def keys(memory: Memory, embedder: Embedder) -> list[str]:
    """Return the texts by which a memory is found: its passages, and for the asker's own long messages also their segments.

    In a long message about many things the one that is asked for hardly moves the whole's vector.
    """
    whole = embedder.passages(memory.indexed_text)
    own = (memory.role or memory.author or "").casefold() in ASKERS
    return [*whole, *segments(memory.text)] if own else whole


def segments(text: str) -> list[str]:
    """Return the sentences of a long text packed to at most 40 words, at most 8 of them; nothing for a short text."""
    if len(text) > MAX_SEGMENTED_CHARS or len(text.split()) <= SEGMENT_WORDS:
        return []
    packed: list[list[str]] = []
    for sentence in sentences(text):
        words = len(sentence.split())
        if packed and sum(len(part.split()) for part in packed[-1]) + words <= SEGMENT_WORDS:
            packed[-1].append(sentence)
        elif words:
            packed.append([sentence])
    return [" ".join(parts) for parts in packed[:MOST_SEGMENTS]] if len(packed) > 1 else []


def material_for(memories: Sequence[Memory], embedder: Embedder, analyser: Analyser) -> dict[str, Material]:
    """Return what search needs of each memory's text, by its id; embedding and terms are worked out side by side."""
    passages = [keys(memory, embedder) for memory in memories]
    flat = [part for parts in passages for part in parts]
    if len(memories) == 1:
        vectors = embedder.embed(flat)
        terms = [analyser.document(memories[0].indexed_text)]
    elif memories:
        with ThreadPoolExecutor(1, thread_name_prefix="mneme-embed") as pool:
            pending = pool.submit(embedder.embed, flat)
            terms = [analyser.document(memory.indexed_text) for memory in memories]
            vectors = pending.result()
    else:
        return {}
    if vectors.shape != (len(flat), embedder.width):
        wanted = (len(flat), embedder.width)
        raise InvalidInput({"embedder": f"{embedder.identity} gave vectors of shape {vectors.shape}, not {wanted}; correct its width"})
    cuts = np.cumsum([len(parts) for parts in passages])[:-1]
    parts_of = zip(memories, terms, np.split(vectors, cuts), strict=True)
    return {memory.id: Material(terms=row, vectors=part) for memory, row, part in parts_of}
