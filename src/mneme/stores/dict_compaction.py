"""Folding old entries of the store in memory into a checkpoint."""

from __future__ import annotations

from mneme.core.clock import to_micros
from mneme.core.compaction import AT, SEQ, Folding, folded
from mneme.core.journal import Change
from mneme.core.ports import Batch
from mneme.stores.checkpoint import answered, checkpoint, fold_change, superfluous
from mneme.stores.dict_apply import Application
from mneme.stores.dict_state import State
from mneme.stores.replay import Replay

_FACTOR = 1 << 20


def fold(state: State, to_seq: int, batch: Batch, *, dry_run: bool) -> Folding:
    """Fold every entry up to ``to_seq``; the state is changed in place."""
    before, since = folded(state.meta)
    head = state.entries.get(to_seq)
    if head is None or to_seq <= before:
        return Folding(to_seq=before, since=since)
    replay = Replay()
    answers: list[Change] = []
    keys = sorted(state.keys.items(), key=lambda pair: pair[::-1])
    for seq, entry in sorted(state.entries.items()):
        if seq <= to_seq:
            replay.play(entry)
        if before < seq <= to_seq:
            answers += answered(entry, [key for key, made in keys if made == seq])
    ids = {row: id for id, row in state.rows.items()}
    listed = sorted(
        (state.rows[id] * _FACTOR + each.memory.version, each.seq, each.text_version)
        for id, versions in state.versions.items()
        for each in versions
    )
    gone, older = superfluous(listed, to_seq, _FACTOR)
    ended = [key for key, link in state.links.items() if link.to_seq is not None and link.to_seq <= to_seq]
    done = Folding(to_seq=to_seq, since=head.recorded_at, entries=to_seq - before, versions=len(gone), links=len(ended))
    if dry_run:
        return done
    entries, digest = checkpoint(replay, head, {ids[row]: numbers for row, numbers in older.items()}, answers)
    for key in gone:
        id, number = ids[key // _FACTOR], key % _FACTOR
        state.versions[id] = tuple(each for each in state.versions[id] if each.memory.version != number)
        for material in (state.material, state.staged):
            material.pop((id, number), None)
    for link in ended:
        del state.links[link]
    state.entries = {**{entry.seq: entry for entry in entries}, **{seq: each for seq, each in state.entries.items() if seq > to_seq}}
    state.reason_salts = {seq: salt for seq, salt in state.reason_salts.items() if seq > to_seq}
    state.keys = {key: max(seq, to_seq) for key, seq in state.keys.items()}
    state.meta |= {SEQ: str(to_seq), AT: str(to_micros(head.recorded_at))}
    application = Application(state, batch)
    application.changes = [fold_change(before, head, digest, to_seq - before)]
    written = application.write()
    return Folding(to_seq=done.to_seq, since=done.since, entries=done.entries, versions=done.versions, links=done.links, entry=written.seq)
