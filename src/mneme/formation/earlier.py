"""What was said just before: the last messages of a session, whether they came with the same call or long ago."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.context import Context
from mneme.core.records import Episode
from mneme.formation.nearby import among


def before(ctx: Context, episodes: Sequence[Episode], episode: Episode, most: int) -> list[Episode]:
    """Return at most so many messages of the session of an episode that came last before it, in order of time.

    Args:
        ctx: the space.
        episodes: those of the same call.
        episode: one of them.
        most: how many; however long the session is, only these are read.
    """
    if most < 1:
        return []
    codes, values = ctx.index.codes("session")
    turns, at = among(ctx, "turn"), ctx.index.at
    mine = turns[np.isin(codes[turns], [code for code, name in enumerate(values) if name == episode.session])]
    moment = to_micros(episode.at)
    mine = mine[at[mine] <= moment]
    new, ids = {one.id for one in episodes}, list[str]()
    for place in mine[np.lexsort((mine, at[mine]))][::-1].tolist():
        id = "ep" + ctx.index.ids[place][3:]
        if id not in new and (at[place] < moment or id < episode.id):
            ids.append(id)
        if len(ids) == most:
            break
    said = [*ctx.episodes(ids).values(), *(one for one in episodes if one.session == episode.session)]
    said = [one for one in said if (one.at, one.id) < (episode.at, episode.id)]
    return sorted(said, key=lambda one: (one.at, one.id))[-most:]
