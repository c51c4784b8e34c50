"""Sessions at several granularities: a recall of an earlier moment goes by the digests of that moment."""

from __future__ import annotations

from datetime import timedelta

from recipes.world import START, at_angle, bare, memory_of

DAY = timedelta(days=1)


def test_a_recall_as_of_an_earlier_day_goes_by_the_digests_that_stood_then() -> None:
    table = {"q": [1, 0], "left": at_angle(0.5), "right": at_angle(0.5), "early digest": at_angle(0.9), "late digest": at_angle(0.99)}
    memory, clock = memory_of(bare(channels=["dense"], ranker="granular"), table)
    space = memory.space("s")
    left, right = (space.remember(text, session=text).ids[0] for text in ("left", "right"))
    early = {"text": "early digest", "valid_from": START, "valid_to": START + 3 * DAY, "session": "left", "sources": [left]}
    late = {"text": "late digest", "valid_from": START + 5 * DAY, "session": "right", "sources": [right]}
    clock.set(START + 9 * DAY)
    space.remember(memories=[{**early, "kind": "summary"}, {**late, "kind": "summary"}])

    def first(day: int) -> str:
        return space.recall("q", k=2, kinds=["turn"], as_of=START + day * DAY).hits[0].text

    assert [first(day) for day in (2, 6, 9)] == ["left", "right", "right"]
    assert space.recall("q", k=2, kinds=["turn"]).hits[0].text == "right"
