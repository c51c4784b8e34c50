"""What the page over all recipes says in words."""

from __future__ import annotations

from mneme.arena.compare import Difference
from mneme.arena.significance import Interval
from mneme.arena.table import Row, Section, _missing, _told_ahead
from mneme.arena.tasks import get_task

NONE = Interval(mean=0.0, lo=0.0, hi=0.0)


def row(recipe: str, mean: float, gap: Difference | None = None, unaided: Interval | None = None) -> Row:
    return Row(
        recipe=recipe, main=Interval(mean=mean, lo=mean, hi=mean), covered=None, write_ms=NONE, write_cpu_ms=0.0, recall_ms=NONE,
        recall_cpu_ms=0.0, memories=1.0, bytes=1.0, against=gap, unaided=unaided,
    )  # fmt: skip


def gap(recipe: str, difference: float, p: float) -> Difference:
    return Difference(
        recipe=recipe, category="", mean=0.5, baseline_mean=0.5 - difference, difference=difference,
        lo=difference - 0.05, hi=difference + 0.05, p=p, p_holm=p,
        wins=1, losses=1, n=9,
    )  # fmt: skip


def section(title: str, *rows: Row, **failures: str) -> Section:
    return Section(title=title, task=get_task("multihop"), runs={}, rows=rows, failures=failures)


def test_who_is_ahead_of_the_baseline_is_said_with_the_interval_and_whether_it_can_be_told_from_chance() -> None:
    aided = Interval(mean=0.02, lo=-0.029, hi=0.069)
    walk, slow = row("walk", 0.7, gap("walk", 0.03, 0.68), aided), row("slow", 0.5, gap("slow", -0.1, 0.0))
    one = section("multihop", walk, row("default", 0.67), slow)
    assert _told_ahead([one], "default") == [
        "- walk is ahead of default on multihop by +0.030 (-0.020 .. +0.080), which these questions can't tell from chance.",
        "- walk on multihop is ahead of default without them by +0.020 (-0.029 .. +0.069).",
    ]
    sure = section("beam", row("keys", 0.7, gap("keys", 0.08, 0.01)), row("default", 0.6))
    assert _told_ahead([sure], "default") == ["- keys is ahead of default on beam by +0.080 (+0.030 .. +0.130), significantly."]
    behind = section("locomo", row("default", 0.8), row("keys", 0.7, gap("keys", -0.1, 0.01)))
    assert _told_ahead([behind], "default") == ["No recipe has a higher mean than default on any task."]


def test_every_dash_has_its_reason() -> None:
    whole = section("locomo", row("default", 0.8), row("walk", 0.7), row("keys", 0.6))
    part = section("beam", row("default", 0.6), walk="Refused: the recipe walk could not do its job form")
    assert _missing([whole, part]) == [
        "", "Not measured:", "",
        "- beam: walk: Refused: the recipe walk could not do its job form.",
        "- beam: keys: not run on all of it.",
    ]  # fmt: skip
    assert _missing([whole]) == []
