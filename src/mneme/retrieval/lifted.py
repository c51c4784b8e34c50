"""Formed memories as further keys: a statement that answers a question lifts the turn it was read from, and takes no place itself.

A statement and its turn say the same, so they are one hit: the turn, with the statements that it was found by in its notes. A statement
stands for itself only where no turn of it may be returned, for example when facts alone are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.components import Channel, Ranked, Ranker, Refiner
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import Memory
from mneme.retrieval.spoken import Spoken

KEYS = ("fact", "event", "preference", "profile", "summary", "note")
"""The kinds that are keys to the turns they rest on."""

NEVER_SHOWN = ("concept",)
"""Kinds that stand for an entity and answer nothing by themselves; shown when asked for by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """Ranks what was said by its own words and by what was formed of it.

    Args:
        channels: score what was said, and the keys.
        ranker: orders what was said, as if nothing had been formed.
        refiners: change that order.
        weights: channel -> how much of a key's score counts for its turn, of which the better one stands.
        keys: how many keys of each channel are followed.
        most_sources: a key with more sources lifts none: it is about the whole and not about one of them.
        long: terms from which a turn is lifted by what was read from it by rule; None never lifts it by that: such a statement has the
            turn's own words, and measured at 20, 30 and 45 terms it gained nothing that lasted.
    """

    channels: tuple[Channel, ...]
    ranker: Ranker
    weights: Mapping[str, float]
    refiners: tuple[Refiner, ...] = ()
    keys: int = 60
    most_sources: int = 3
    long: int | None = None

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return what was said, best first, with the keys that found it in the notes; a key without an admitted turn stands for itself."""
        spoken = Spoken(ctx.index, (*KEYS, *NEVER_SHOWN))
        keys = np.flatnonzero(query.admitted & spoken.formed)
        if not len(keys):
            return self._ranked(ctx, query, channels)
        if not (query.admitted & ~spoken.formed).any():
            return self._ranked(ctx, query, channels)  # only what was formed is asked for
        turns = replace(ctx, index=spoken, scratch={})
        own = {channel.name: channel.search(turns, query) for channel in self.channels}
        found = self._followed(ctx, channels, _without(ctx, keys, NEVER_SHOWN))
        notes: dict[int, list[tuple[float, str]]] = {}
        for key, rows in _positions(ctx, found, query).items():
            if len(rows) > self.most_sources:
                continue
            for row in rows:
                notes.setdefault(row, []).append((float(sum(scores[key] for scores in channels.values())), found[key].id))
                if by_rule(found[key]) and (self.long is None or spoken.lengths[row] < self.long):
                    continue
                for name, scores in own.items():
                    scores[row] = max(scores[row], np.float32(self.weights.get(name, 0.0)) * channels[name][key])
        ranked = self._ranked(turns, replace(query, admitted=query.admitted & ~spoken.formed), own)
        known = {p: [id for _, id in sorted(notes[p], reverse=True)] for p in ranked.positions.tolist() if p in notes}
        return replace(ranked, notes={**ranked.notes, **{p: {**ranked.notes.get(p, {}), "formed": ids} for p, ids in known.items()}})

    def _ranked(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        ranked = self.ranker.rank(ctx, query, channels)
        for refiner in self.refiners:
            ranked = refiner.refine(ctx, query, ranked)
        return ranked

    def _followed(self, ctx: Context, channels: Mapping[str, FloatArray], rows: IntArray) -> dict[int, Memory]:
        chosen: dict[int, None] = {}
        for scores in channels.values():
            best = rows[np.argsort(-scores[rows], kind="stable")[: self.keys]]
            chosen.update(dict.fromkeys(int(row) for row in best if scores[row] > 0))
        order = list(chosen)
        by_id = {memory.id: memory for memory in ctx.memories(order)}
        return {row: by_id[ctx.index.ids[row]] for row in order if ctx.index.ids[row] in by_id}


def by_rule(memory: Memory) -> bool:
    """Return whether a statement was read by rule, and not written by a model or brought in by the caller."""
    return "statement" in memory.attributes and memory.attributes.get("formed_by") != "model"


def _without(ctx: Context, rows: IntArray, kinds: tuple[str, ...]) -> IntArray:
    codes, values = ctx.index.codes("kind")
    return rows[~np.isin(codes[rows], [code for code, value in enumerate(values) if value in kinds])]


def _positions(ctx: Context, keys: Mapping[int, Memory], query: Query) -> dict[int, list[int]]:
    """Return for each key the admitted positions of the turns that it rests on: those of the same time with the turn's id."""
    wanted = {key: [span.episode for span in memory.sources] for key, memory in keys.items()}
    episodes = ctx.episodes(list({id for ids in wanted.values() for id in ids}))
    times = np.array(sorted({to_micros(episode.at) for episode in episodes.values()}), np.int64)
    rows = np.flatnonzero(query.admitted & np.isin(ctx.index.at, times))
    place = {ctx.index.ids[row]: row for row in rows.tolist()}
    found: dict[int, list[int]] = {}
    for key, ids in wanted.items():
        found[key] = [place[turn] for id in dict.fromkeys(ids) if (turn := "mem" + id[2:]) in place]
    return found
