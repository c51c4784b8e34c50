"""Whole sessions, also where their messages arrive one by one: what a former of sessions looks at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.context import Context
from mneme.core.ports import IntArray
from mneme.core.records import Episode
from mneme.text.names import mentions
from mneme.text.script import clusters, is_paired, normalise, raw_tokens
from mneme.text.stopwords import stopwords

_WORD = re.compile(r"[^\W\d_][\w’'-]{2,}")

PAUSE_S = 3600.0
"""A silence of so long closes what was talked about."""


def so_far(ctx: Context, episodes: Sequence[Episode], every: int, *, sparser: bool = False) -> dict[str, list[Episode]]:
    """Return the sessions of these episodes with everything said in them up to now, in order.

    A session is left out unless these episodes bring ``every`` messages of it, make its length a multiple of that, or are of another
    one and come an hour after its last, which closes it: a summary that is written again for each message would be written in vain.

    Args:
        ctx: the space.
        episodes: what is new.
        every: how many messages a session grows by before it is looked at again.
        sparser: a long session has to grow by a sixteenth at least, so that reading it again and again costs no more than its length.
    """
    codes, values = ctx.index.codes("session")
    kinds, kind_values = ctx.index.codes("kind")
    turn = [code for code, value in enumerate(kind_values) if value == "turn"]
    turns = np.flatnonzero(np.isin(kinds, turn) & ctx.index.present)
    fresh = Counter(episode.session for episode in episodes if episode.session)
    length = np.bincount(codes[turns], minlength=len(values))
    closed = _closed(ctx, turns, episodes)
    wanted = {
        name: code
        for code, name in enumerate(values)
        if isinstance(name, str)
        and name
        and (
            (name in fresh and _due(int(length[code]), fresh[name], every, sparser))
            or (code in closed and (sparser or length[code] % every))
        )
    }
    if not wanted:
        return {}
    held = turns[np.isin(codes[turns], list(wanted.values()))]
    ids = ["ep" + ctx.index.ids[position][3:] for position in held.tolist()]
    found = {**ctx.episodes(ids), **{episode.id: episode for episode in episodes}}
    sessions: dict[str, list[Episode]] = {}
    for episode in sorted(found.values(), key=lambda episode: (episode.at, episode.id)):
        if episode.session is not None and episode.session in wanted:
            sessions.setdefault(episode.session, []).append(episode)
    return sessions


def _due(length: int, fresh: int, every: int, sparser: bool) -> bool:
    if not sparser:
        return fresh >= every or length % every == 0
    while length >= 16 * every:
        every *= 2
    return length // every != (length - fresh) // every


def places(ctx: Context, turns: IntArray, episodes: Sequence[Episode]) -> IntArray:
    """Return where the messages of episodes stand among these positions, in order of time; looked for by their times."""
    new = {"mem" + episode.id[2:] for episode in episodes}
    moments = np.array([to_micros(episode.at) for episode in episodes], np.int64)
    near = turns[np.isin(ctx.index.at[turns], moments)]
    found = np.array([position for position in near.tolist() if ctx.index.ids[position] in new], np.int64)
    return found[np.lexsort((found, ctx.index.at[found]))]


def _closed(ctx: Context, turns: IntArray, episodes: Sequence[Episode]) -> set[int]:
    """Return the codes of the sessions that a silence closed.

    A session is closed by the first message of any that comes more than a pause after its last one. One that messages came to late is
    closed anew by what is there. What follows in the session itself closes nothing: a slow talk goes on after a silence.
    """
    came = places(ctx, turns, episodes)
    if not len(came):
        return set()
    order = turns[np.argsort(ctx.index.at[turns], kind="stable")]
    at, codes = ctx.index.at[order], ctx.index.codes("session")[0][order]
    last = np.full(int(codes.max()) + 1, at[0], np.int64)
    np.maximum.at(last, codes, at)
    here = np.flatnonzero(np.bincount(codes))
    after = np.searchsorted(at, last[here] + int(PAUSE_S * 1_000_000), side="right")
    fresh = np.append(np.isin(order, came), False)  # none is as good as one that is yet to come
    grew = np.isin(here, ctx.index.codes("session")[0][came]) & (after < len(order))
    return set(here[fresh[after] | grew].tolist())


def words_of(text: str) -> list[str]:
    """Return the words of a text; of a script that puts no blanks between them, its characters.

    Example:
        >>> words_of("Ana moved."), words_of("我搬家了。")
        (['ana', 'moved'], ['我', '搬', '家', '了'])
    """
    return [word for token in raw_tokens(normalise(text)) for word in (clusters(token) if is_paired(token) else [token])]


def keywords(texts: Sequence[str], most: int = 8) -> list[str]:
    """Return the words that stand for texts, most telling first: names, and content words that come back.

    Example:
        >>> keywords(["The garden needs water.", "I water the garden daily."], 2)
        ['garden', 'water']
    """
    count: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for text in texts:
        for mention in mentions(text):
            if mention.kind in ("person", "name"):
                count[mention.canonical.casefold()] += 1
                shown.setdefault(mention.canonical.casefold(), mention.canonical)
        for word in _WORD.findall(text):
            low = word.casefold()
            for pair in map("".join, pairwise(clusters(low))) if is_paired(low) else ():
                count[pair] += 1
                shown.setdefault(pair, pair)
            if not is_paired(low) and low not in stopwords("en") and len(low) > 3:
                count[low] += 1
                shown.setdefault(low, low)
    ranked = sorted(count, key=lambda word: (-count[word] * (1 + min(len(word), 10) / 10), word))
    return [shown[word] for word in ranked[:most]]
