"""MARK's acceptance test: explained terms, trust by feedback, contradictions, ground truth, retirement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

import mneme
from mneme.core.context import Context
from mneme.core.operations import Operation
from mneme.core.records import Episode
from mneme.formation.earlier import before
from mneme.guard.immutable import contradicts
from mneme.testing import ScriptedLLM

from .world import START, at_angle, bare, memory_of

DAY = timedelta(days=1)
OEE = "In our plant, OEE means overall equipment effectiveness."


def judged(space: mneme.Space, question: str, id: str, *, useful: int = 0, useless: int = 0) -> None:
    for good in [True] * useful + [False] * useless:
        found = space.recall(question, k=5)
        hits = [hit for hit in found.hits if hit.memory.id == id]
        space.feedback(found, **{"useful" if good else "useless": hits})


def test_an_explained_term_comes_before_any_document() -> None:
    memory, clock = memory_of("mark", "hash:96")
    space = memory.space("s")
    space.remember(OEE, author="Ana", role="user", session="one")
    clock.set(START + 2 * DAY)
    space.remember([f"What is our OEE in week {n}? Nobody knows our OEE." for n in range(8)], session="documents")
    (term,) = space.memories({"tags": ["refined"]})
    assert (term.tags, term.attributes["term"], term.attributes["meaning"]) == (
        ("refined", "question"),
        "OEE",
        "overall equipment effectiveness",
    )
    found = space.recall("What was our OEE?", k=5)
    assert found.hits[0].memory.id == term.id
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)


def test_two_bad_judgements_end_serving_and_the_audit_still_shows_it() -> None:
    memory, _ = memory_of("mark", "hash:96")
    space = memory.space("s")
    space.remember(OEE, session="one")
    (term,) = space.memories({"tags": ["refined"]})
    judged(space, "our OEE?", term.id, useless=2)
    assert space.usage([term.id])[term.id].state["trust_harmful"] == 2.0
    assert term.id not in [hit.memory.id for hit in space.recall("our OEE?", k=5).hits]  # TS = 1/4, before any upkeep
    space.upkeep()
    assert space.get(term.id).status == "archived"
    assert [step.entry.verb for step in space.history(term.id)][-1] == "upkeep"


def refined(space: mneme.Space, text: str, term: str) -> str:
    (receipt,) = space.remember(memories=[{"text": text, "kind": "note", "tags": ["refined"], "attributes": {"term": term}}]).ids
    return receipt


@pytest.mark.parametrize(
    ("term", "question", "named"),
    [
        ("设备综合效率", "我们的设备综合效率是多少?", True),
        ("OEE", "我们的OEE是多少?", True),
        ("设备综合效率", "我们的效率是多少?", False),
        ("OEE", "What was the plant's OEE?", True),
        ("OEE", "Who poeed?", False),
    ],
)
def test_a_term_is_found_in_a_question_without_spaces_too(term: str, question: str, named: bool) -> None:
    table = {question: [1, 0], "meaning": [0, 1]}
    memory, _ = memory_of(bare(channels=["dense"], refiners=["trusted"]), table)
    space = memory.space("s")
    id = refined(space, "meaning", term)
    space.remember(["document one", "document two"])
    found = [hit.memory.id for hit in space.recall(question, k=3).hits]
    assert (id in found[:1]) is named


def test_distrusted_refinements_take_no_place_of_those_that_are_looked_at() -> None:
    table = {"q": [1, 0], **{f"bad {n}": at_angle(0.95 - n / 100) for n in range(3)}, "good": at_angle(0.8)}
    memory, _ = memory_of(bare(channels=["dense"], refiners=[{"use": "trusted", "looked_at": 2}], curve="beta"), table)
    space = memory.space("s")
    bad = [refined(space, f"bad {n}", "") for n in range(3)]
    for _ in range(6):
        found = space.recall("q", k=3)
        space.feedback(found, useless=found.hits)
    assert all(usage.state["trust_harmful"] == 2.0 for usage in space.usage(bad).values())
    good = refined(space, "good", "")
    assert [hit.memory.id for hit in space.recall("q", k=3).hits] == [good]


def test_a_recall_alone_is_no_judgement() -> None:
    memory, _ = memory_of("mark", "hash:96")
    space = memory.space("s")
    space.remember(OEE, session="one")
    (term,) = space.memories({"tags": ["refined"]})
    for _ in range(3):
        space.recall("our OEE?", k=5)
        space.upkeep()
    usage = space.usage([term.id])[term.id]
    assert (usage.uses, usage.strength, dict(usage.state)) == (3.0, 1.0, {})


def test_of_two_meanings_the_more_trusted_one_stays() -> None:
    memory, _ = memory_of("mark", "hash:96")
    space = memory.space("s")
    space.remember("TCO means total cost of ownership.", author="Ana", session="a")
    space.remember("TCO means transparent conductive oxide.", author="Ben", session="b")
    by = {memory.author: memory.id for memory in space.memories({"tags": ["refined"]})}
    judged(space, "What is TCO?", by["Ana"], useful=3)
    judged(space, "What is TCO?", by["Ben"], useful=1)
    space.upkeep()
    assert {who: space.get(id).status for who, id in by.items()} == {"Ana": "active", "Ben": "archived"}
    assert all(space.history(id) for id in by.values())


def test_what_contradicts_ground_truth_is_set_aside() -> None:
    memory, _ = memory_of("mark", "hash:96")
    space = memory.space("s")
    space.remember(memories=[{"text": "Stones are solid.", "kind": "resource", "tags": ["immutable"]}])
    space.remember(["Actually, a stone is liquid.", "Actually, a gasket is a seal."], role="user", session="one")
    (stone,) = space.memories({"tags": ["refined"]}, statuses=("quarantined",))
    assert stone.attributes["term"].endswith("stone")
    assert [m.attributes["meaning"] for m in space.memories({"tags": ["refined"]})] == ["a seal"]
    assert all("stone means liquid" not in hit.text for hit in space.recall("Is a stone liquid?", k=9).hits)


def test_five_half_lives_without_use_retire_it() -> None:
    memory, clock = memory_of("mark", "hash:96")
    space = memory.space("s")
    space.remember(OEE, session="one")
    (term,) = space.memories({"tags": ["refined"]})
    clock.set(START + 4 * 30 * DAY)
    space.upkeep()
    assert space.get(term.id).status == "active"
    clock.set(START + 5 * 30 * DAY)
    space.upkeep()
    assert space.get(term.id).status == "archived"


def test_corrections_and_praised_answers_are_kept_with_what_they_answer() -> None:
    memory, _ = memory_of("mark", "hash:96")
    space = memory.space("s")
    talk = [
        ("user", "How hot may the press run?"),
        ("assistant", "The press may run at 90 degrees."),
        ("user", "No, the press must stay below 80 degrees in summer."),
        ("assistant", "Then the press stays below 80 degrees, and the night shift checks it twice."),
        ("user", "Perfect, thanks."),
    ]
    for role, text in talk:
        space.remember(text, role=role, session="one")
    by = {memory.tags[1]: memory for memory in space.memories({"tags": ["refined"]})}
    assert by["residual"].text == "the press must stay below 80 degrees in summer."
    assert len(by["residual"].sources) == len(by["response"].sources) == 2
    assert "night shift checks it twice" in by["response"].text


def test_three_agents_of_a_model_and_one_that_cites_nothing() -> None:
    llm = ScriptedLLM(
        {
            "refine.residual": {
                "items": [{"text": "Presses run below 80 degrees in summer.", "lines": [0]}, {"text": "made up", "lines": [7]}]
            },
            "refine.question": {"items": [{"text": "OEE means effectiveness.", "lines": [0], "term": "OEE", "meaning": "effectiveness"}]},
            "refine.response": {"items": []},
        }
    )
    memory, _ = memory_of("mark", "hash:96", llm=llm)
    space = memory.space("s")
    space.remember("Below 80 in summer, and OEE is effectiveness.", session="one", wait=True)
    assert {(m.tags[1], m.text) for m in space.memories({"tags": ["refined"]})} == {
        ("residual", "Presses run below 80 degrees in summer."),
        ("question", "OEE means effectiveness."),
    }


@pytest.mark.parametrize(
    "text",
    [
        "This means we leave at six.",
        "It means a lot to me.",
        "Actually, it is raining again.",
        "Actually that is fine with me.",
        "What OEE means is a riddle to us.",
        "She means well.",
    ],
)
def test_words_that_only_point_are_no_terms(text: str) -> None:
    memory, _ = memory_of("mark", "hash:96")
    space = memory.space("s")
    space.remember(text, role="user", session="one")
    assert space.memories({"tags": ["refined"]}) == []


def test_terms_that_begin_with_any_capital_are_read_and_asked_for_with_a_comma() -> None:
    memory, _ = memory_of("mark", "hash:96")
    space = memory.space("s")
    space.remember("At our site, ÖPW means operator led press work.", role="user", session="one")
    space.remember([f"A note on the weather of day {n}, dry and cold." for n in range(9)], session="two")
    (term,) = space.memories({"tags": ["refined"]})
    assert term.attributes["term"] == "ÖPW"
    assert space.recall("Who checks the ÖPW, and when?", k=3).hits[0].memory.id == term.id


def test_of_many_meanings_the_most_trusted_stays_and_whoever_says_the_same_with_it() -> None:
    memory, clock = memory_of("mark", "hash:96")
    space = memory.space("s")
    said = ["total cost of ownership", "total cost of ownership", "transparent conductive oxide"]
    for day, (author, meaning) in enumerate(zip("ABC", said, strict=True)):
        clock.set(START + day * DAY)
        space.remember(f"TCO means {meaning}.", author=author, session=author)
    ids = {memory.author: memory.id for memory in space.memories({"tags": ["refined"]})}
    space.upkeep()  # nobody judged: the newest holds, against both of those before it
    assert {author: space.get(id).status for author, id in ids.items()} == {"A": "archived", "B": "archived", "C": "active"}


def test_a_refinement_that_names_a_term_without_explaining_it_contradicts_no_meaning_of_it() -> None:
    terms = [("question", "OEE means effectiveness.", "effectiveness"), ("residual", "OEE is counted by shift.", "")]
    replies = {f"refine.{kind}": {"items": [{"text": text, "lines": [0], "term": "OEE", "meaning": said}]} for kind, text, said in terms}
    memory, _ = memory_of("mark", "hash:96", llm=ScriptedLLM({**replies, "refine.response": {"items": []}}))
    space = memory.space("s")
    space.remember("OEE is effectiveness, and OEE is counted by shift.", session="one", wait=True)
    space.upkeep()
    assert {memory.text for memory in space.memories({"tags": ["refined"]})} == {text for _, text, _ in terms}


def test_what_names_nothing_contradicts_nothing() -> None:
    assert not contradicts("He is tall.", "She is short.")
    assert not contradicts("It was cold.", "That is warm.")
    assert contradicts("The press is cold.", "A press is warm.")


def test_only_the_end_of_a_long_session_is_read_again_and_a_message_without_one_is_a_talk_of_its_own() -> None:
    llm = ScriptedLLM({role: {"items": []} for role in ("refine.residual", "refine.question", "refine.response")})
    memory, clock = memory_of("mark", "hash:96")
    space = memory.space("s")
    for number in range(70):
        clock.set(START + number * timedelta(minutes=1))
        space.remember(f"message {number}", role="user", session="long")
    memory.llm = llm
    clock.set(START + DAY)
    space.remember("message 70", role="user", session="long", wait=True)
    talk = str(llm.asked[0].variables["talk"]).splitlines()
    assert (len(talk), talk[0], talk[-1]) == (61, "[0] user: message 10", "[60] user: message 70")
    asked = len(llm.asked)
    space.remember("alone", role="user", wait=True)
    assert [str(request.variables["talk"]) for request in llm.asked[asked:]] == ["[0] user: alone"] * 3


class Heard:
    """A former that keeps what was said before the first of its messages, and how many messages it read for that."""

    said: tuple[str, ...] = ()
    read = 0

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        class Counted:
            index = ctx.index

            def episodes(_, ids: Sequence[str]) -> Mapping[str, Episode]:
                self.read = len(ids)
                return ctx.episodes(ids)

        self.said = tuple(one.text for one in before(Counted(), episodes, episodes[0], 2))  # type: ignore[arg-type]
        return []


def test_what_was_said_before_is_found_among_messages_of_one_instant_and_reads_no_more_than_that() -> None:
    heard = Heard()
    memory, clock = memory_of(bare(formers=[heard]), "hash:96")
    space = memory.space("s")
    ids = [space.remember(f"Message {number}.", session="one").ids[0] for number in range(9)]
    episodes = ["ep" + id[3:] for id in sorted(ids)]
    space.form([episodes[4]])
    assert heard.said == tuple(space.episodes([id])[0].text for id in episodes[2:4])
    assert heard.read == 2
    clock.set(START + DAY)
    space.remember([{"text": f"More {number}.", "session": "two" if number else "one"} for number in range(9)])
    assert (heard.said, heard.read) == (tuple(space.episodes([id])[0].text for id in episodes[-2:]), 2)
