"""Proactive interference: a stream of key-value updates; the last value of a key must outrank every value it overwrote.

Source: Wang and Sun 2025, "Unable to Forget: Proactive Interference Reveals Working Memory Limits in LLMs", the updates sweep;
the words come from the official dictionary (46 keys with 400 values each). Keys are in random order, never twice in a row; the
seed makes the stream.
Differs: six points of the sweep; each update is a message of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson

from mneme.arena.task import Dataset, Options, Question, Sample, Task, existing_files, hash_files, names
from mneme.core.errors import InvalidInput
from mneme.core.records import Message

UPDATES = (2, 6, 17, 48, 139, 400)
_START = datetime(2025, 1, 1, tzinfo=UTC)


def load(path: Path, options: Options) -> Dataset:
    """Read the word list and generate one stream for each number of updates."""
    file = existing_files(path, "words*.json")[0]
    words = orjson.loads(file.read_bytes())
    most = min(len(values) for values in words.values())
    sweep = [updates for updates in UPDATES if updates <= most][: options.limit]
    if not sweep:
        raise InvalidInput({"data": f"{file.name}: every key needs at least {UPDATES[0]} values"})
    samples = tuple(make_stream(words, updates, options.seed) for updates in sweep)
    return Dataset(samples=samples, sha256=hash_files([file], extra=f"seed={options.seed};updates={sweep}"))


def make_stream(words: Mapping[str, Sequence[str]], updates: int, seed: int) -> Sample:
    """Return a stream of ``updates`` values for every key, with one question for the current value of each.

    Args:
        words: key -> its values, at least ``updates`` of them.
        updates: values for each key.
        seed: same seed, same stream.
    """
    rng = np.random.default_rng([seed, updates])
    keys = list(words)
    values = {key: [str(words[key][index]) for index in rng.permutation(len(words[key]))[:updates]] for key in keys}
    used = dict.fromkeys(keys, 0)
    messages: list[Message] = []
    refs: dict[str, list[str]] = {key: [] for key in keys}
    for position, key in enumerate(_order(keys, updates, rng)):
        ref = f"u{position}"
        messages.append(
            Message(text=f"{key}: {values[key][used[key]]}", at=_START + timedelta(minutes=position), session="stream", ref=ref)
        )
        used[key] += 1
        refs[key].append(ref)
    questions = tuple(
        Question(
            id=f"updates-{updates}/{key}",
            text=f"What is the current value of {key}?",
            category=f"updates-{updates}",
            gold={refs[key][-1]: 1},
            stale=frozenset(refs[key][:-1]),
            answer=values[key][-1],
        )
        for key in keys
    )
    return Sample(id=f"updates-{updates}", messages=tuple(messages), questions=questions)


def _order(keys: list[str], updates: int, rng: np.random.Generator) -> list[str]:
    """Draw keys at random by how many updates they have left, never the one just drawn.

    A key that has as many updates left as all others together is drawn at once, or the end could not be kept free of repeats.
    """
    left = np.full(len(keys), updates)
    order: list[str] = []
    last = -1
    while (total := int(left.sum())) > 0:
        weights = left.astype(float)
        if last >= 0 and len(keys) > 1:
            weights[last] = 0.0
        urgent = int(left.argmax())
        must = urgent != last and 2 * int(left[urgent]) >= total
        choice = urgent if must else int(rng.choice(len(keys), p=weights / weights.sum()))
        order.append(keys[choice])
        left[choice] -= 1
        last = choice
    return order


TASK = Task(
    name="interference",
    summary="46 keys, 2 to 400 updates each; the current value must come before every overwritten one",
    load=load,
    metrics=names("current_first", "stale_above_current", "recall@1", "recall@5", "recall@10", "recall@50"),
    data="interference/words_46x400.json",
)
