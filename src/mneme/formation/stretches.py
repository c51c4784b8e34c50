"""Whole sessions, also where their messages arrive one by one: what a former of sessions looks at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from mneme.core.context import Context
from mneme.core.records import Episode
from mneme.text.names import mentions
from mneme.text.stopwords import stopwords

_WORD = re.compile(r"[^\W\d_][\w’'-]{2,}")


def so_far(ctx: Context, episodes: Sequence[Episode], every: int) -> dict[str, list[Episode]]:
    """Return the sessions of these episodes with everything said in them up to now, in order.

    A session is left out unless these episodes bring ``every`` messages of it, or make its length a multiple of that: a summary that is
    written again for each message would be written in vain.
    """
    fresh = Counter(episode.session for episode in episodes if episode.session)
    if not fresh:
        return {}
    codes, values = ctx.index.codes("session")
    kinds, kind_values = ctx.index.codes("kind")
    turn = [code for code, value in enumerate(kind_values) if value == "turn"]
    wanted = [code for code, value in enumerate(values) if value in fresh]
    held = np.flatnonzero(np.isin(codes, wanted) & np.isin(kinds, turn) & ctx.index.present)
    ids = ["ep" + ctx.index.ids[position][3:] for position in held.tolist()]
    found = {**ctx.episodes(ids), **{episode.id: episode for episode in episodes}}
    sessions: dict[str, list[Episode]] = {}
    for episode in sorted(found.values(), key=lambda episode: (episode.at, episode.id)):
        if episode.session is not None and episode.session in fresh:
            sessions.setdefault(episode.session, []).append(episode)
    return {name: said for name, said in sessions.items() if fresh[name] >= every or len(said) % every == 0}


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
            if low not in stopwords("en") and len(low) > 3:
                count[low] += 1
                shown.setdefault(low, low)
    ranked = sorted(count, key=lambda word: (-count[word] * (1 + min(len(word), 10) / 10), word))
    return [shown[word] for word in ranked[:most]]
