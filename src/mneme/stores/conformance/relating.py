"""Links, usage, sources, the index and models: part of the suite that every store passes."""

from __future__ import annotations

import numpy as np

from mneme.core.errors import InvalidInput, ModelMismatch, NotFound
from mneme.core.journal import inverse
from mneme.core.operations import (
    Archive,
    Connect,
    Disconnect,
    Erase,
    Keep,
    Observe,
    Reinforce,
    Revise,
)
from mneme.core.ports import Root
from mneme.core.records import Link
from mneme.stores.conformance.common import A, B, C, refused
from mneme.stores.samples import (
    MODEL,
    WIDTH,
    at,
    batch,
    episode,
    episode_id,
    material,
    memory,
    remembered,
)


class Relating:
    """Links, usage, sources, the index and models."""

    def test_links_as_of_an_entry(self, root: Root) -> None:
        """A link has one weight at a time, and its past can be read."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one"), *remembered(2, "two")))
        link = Link(source=A, target=B, type="about")
        store.apply(batch(Connect(link=link)))
        store.apply(batch(Connect(link=Link(source=A, target=B, type="about", weight=0.5))))
        store.apply(batch(Disconnect(source=A, target=B, type="about")))
        assert [[each.weight for each in store.links([B], at_seq=seq)] for seq in (1, 2, 3, 4)] == [[], [1.0], [0.5], []]
        assert store.links() == []
        refused(NotFound, lambda: store.apply(batch(Connect(link=Link(source=A, target="mem_none", type="about")))))
        refused(InvalidInput, lambda: store.apply(batch(Connect(link=Link(source=A, target=B, type="odd")))))

    def test_usage_adds_up(self, root: Root) -> None:
        """Reinforcements are differences; a later time wins, an earlier one does not."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        store.apply(batch(Reinforce(id=A, uses=1, at=at(9), state={"s": 2.0}), Reinforce(id=A, uses=2, strength=-0.5, at=at(3))))
        usage = store.usage([A, B])[A]
        assert (usage.uses, usage.strength, usage.last_used_at, dict(usage.state)) == (3.0, 0.5, at(9), {"s": 2.0})
        rows = store.index_rows(after=1)
        assert (rows.uses.tolist(), rows.strength.tolist(), rows.memory) == ([3.0], [0.5], [A])
        refused(NotFound, lambda: store.apply(batch(Reinforce(id=B, uses=1))))

    def test_a_use_that_is_taken_back_leaves_what_was_there_before(self, root: Root) -> None:
        """The time and the numbers go back with the counts; what changed again since stays."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        store.apply(batch(Reinforce(id=A, uses=1, at=at(3), state={"s": 2.0})))
        second = store.apply(batch(Reinforce(id=A, uses=1, strength=0.5, at=at(9), state={"s": 5.0, "t": 1.0}))).entry
        assert second is not None
        undone = store.apply(batch(*inverse(second.changes), verb="undo", undoes=second.seq)).entry
        assert undone is not None
        usage = store.usage([A])[A]
        assert (usage.uses, usage.strength, usage.last_used_at, dict(usage.state)) == (1.0, 1.0, at(3), {"s": 2.0})
        store.apply(batch(*inverse(undone.changes), verb="undo", undoes=undone.seq))
        usage = store.usage([A])[A]
        assert (usage.uses, usage.strength, usage.last_used_at, dict(usage.state)) == (2.0, 1.5, at(9), {"s": 5.0, "t": 1.0})
        store.apply(batch(Reinforce(id=A, uses=1, at=at(12), state={"s": 7.0})))
        store.apply(batch(*inverse(second.changes), verb="undo", undoes=second.seq))
        usage = store.usage([A])[A]
        assert (usage.uses, usage.strength, usage.last_used_at, dict(usage.state)) == (2.0, 1.0, at(12), {"s": 7.0})
        assert store.check() == []

    def test_what_rests_on_an_episode(self, root: Root) -> None:
        """Sources of every version count, not only of the present one."""
        store = root.open("a")
        store.apply(batch(*(Observe(episode=episode(number)) for number in (1, 2, 3))))
        store.apply(batch(Keep(memory=memory(1, "one", episodes=(1, 2))), Keep(memory=memory(2, "two", episodes=(3,)))))
        store.apply(batch(Revise(id=A, changes={"sources": memory(1, "", episodes=(3,)).sources})))
        assert store.resting_on([episode_id(1)]) == {A: (episode_id(1), episode_id(2), episode_id(3))}
        assert sorted(store.resting_on([episode_id(3)])) == [A, B]

    def test_index_rows_follow_the_journal(self, root: Root) -> None:
        """Only what was touched comes again, erased rows among it."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one", author="ana", tags=("x",)), *remembered(2, "two")))
        rows = store.index_rows()
        assert (rows.seq, rows.memory, rows.author, rows.tags) == (1, [A, B], ["ana", None], [("x",), ()])
        assert rows.valid_to.tolist() == [np.iinfo(np.int64).max] * 2
        assert np.array_equal(rows.vectors, np.concatenate([material("one").vectors, material("two").vectors]))
        assert len(store.index_rows(vectors=False).vectors) == 0
        store.apply(batch(Archive(id=B)))
        later = store.index_rows(after=1)
        assert (later.seq, later.memory, later.status, later.row.tolist()) == (2, [B], ["archived"], [int(rows.row[1])])
        store.apply(batch(Erase(id=A)))
        gone = store.index_rows(after=2)
        assert (gone.memory, gone.status, gone.passages.tolist(), gone.terms) == ([A], ["erased"], [0], [b""])
        assert store.index_rows().memory == [B]
        assert store.index_rows_at(1).memory == [B]
        assert store.index_rows_at(1).status == ["active"]

    def test_a_memory_can_have_many_passages_or_none(self, root: Root) -> None:
        """Vectors are counted for each row."""
        store = root.open("a")
        made = {A: material("long", passages=3), B: material("none", passages=0), C: material("one")}
        keeps = [Keep(memory=memory(number, text)) for number, text in ((1, "long"), (2, "none"), (3, "one"))]
        store.apply(batch(*keeps, material=made))
        rows = store.index_rows()
        assert rows.passages.tolist() == [3, 0, 1]
        assert np.array_equal(rows.vectors, np.concatenate([made[A].vectors, made[C].vectors]))
        assert store.check() == []

    def test_vectors_of_another_model_are_refused(self, root: Root) -> None:
        """Model and width are the space's; the message names the way out."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        assert store.meta() == {"model": MODEL, "width": str(WIDTH)}
        error = refused(ModelMismatch, lambda: store.apply(batch(*remembered(2, "two"), model="other")))
        assert "mneme reembed" in str(error)
        wide = {B: material("two", width=WIDTH + 1)}
        refused(InvalidInput, lambda: store.apply(batch(Keep(memory=memory(2, "two")), material=wide)))
        refused(InvalidInput, lambda: store.apply(batch(Keep(memory=memory(2, "two")), material={})))
        assert store.last_seq() == 1

    def test_changing_the_model_is_atomic(self, root: Root) -> None:
        """New vectors gather beside the old ones and take their place all at once."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one", author="Ana")))
        store.apply(batch(Revise(id=A, text="uno"), *remembered(2, "two")))
        store.stage_vectors("wide", [1], [1], [material("x", width=16).vectors])
        assert [(row, number) for row, number, _ in store.unstaged("wide")] == [(1, 2), (2, 1)]
        assert store.unstaged("wide")[0][2].text == store.memories([A])[A].text == "uno"
        assert not store.switch_model("wide", 16)
        assert store.meta()["model"] == MODEL
        missing = store.unstaged("wide")
        new = [material(memory.text, width=16).vectors for _, _, memory in missing]
        store.stage_vectors("wide", [row for row, _, _ in missing], [number for _, number, _ in missing], new)
        assert np.array_equal(store.index_rows().vectors, np.concatenate([material("uno").vectors, material("two").vectors]))
        assert store.switch_model("wide", 16)
        assert store.meta() == {"model": "wide", "width": "16"}
        assert np.array_equal(store.index_rows().vectors, np.concatenate(new))
        assert store.check() == []
