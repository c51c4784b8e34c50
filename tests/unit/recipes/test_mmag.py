"""MMAG's acceptance test, driven by the clock: reminders, surroundings that end, overruling, sealing, the cap, erasure on request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.errors import InvalidInput, NotFound, Refused
from mneme.recipes.agent.ciphers import Cipher, derived_key, new_key, reseal
from mneme.recipes.agent.layers import Layers, Overruled
from mneme.recipes.agent.sealed_profile import SealedProfile
from mneme.testing import ScriptedLLM

MAY = datetime(2024, 5, 20, 9, tzinfo=UTC)
KEY = new_key()


def layers(root: Path | str = ":memory:", key: str = KEY, **more: object) -> tuple[Layers, FrozenClock]:
    clock = FrozenClock(MAY)
    memory = mneme.Memory(root, embedder="hash:96", recipe="mmag", clock=clock, seed=1, background=False)
    profile = SealedProfile(memory.space("ana.profile"), Cipher(key), memory.space("ana"))
    profile.agree()
    return Layers(memory.space("ana"), profile, **more), clock  # type: ignore[arg-type]


def test_an_exam_is_in_the_opening_context_the_day_before_and_not_the_day_after() -> None:
    mem, clock = layers()
    mem.hear("Exam on June 5.", author="Ana", session="a")
    shown = {}
    for day in (3, 4, 5, 6):
        clock.set(datetime(2024, 6, day, 9, tzinfo=UTC))
        shown[day] = mem.context().parts["due"]
    assert shown == {3: "", 4: "2024-06-05: Exam on June 5.", 5: "2024-06-05: Exam on June 5.", 6: ""}


def test_a_routine_comes_back_on_its_days() -> None:
    mem, clock = layers()
    mem.hear("I go swimming every Monday.", author="Ana")
    for day, due in ((3, True), (4, False), (10, True)):
        clock.set(datetime(2024, 6, day, 9, tzinfo=UTC))
        assert ("swimming" in mem.context().parts["due"]) is due


def test_the_surroundings_end_with_their_time() -> None:
    mem, clock = layers()
    mem.sense("location", "Rome", lasts=timedelta(hours=1))
    assert mem.context().parts["surroundings"] == "location: Rome"
    mem.sense("location", "Naples", lasts=timedelta(hours=1))
    assert mem.context().parts["surroundings"] == "location: Naples"
    clock.set(MAY + timedelta(hours=2))
    assert mem.context().parts["surroundings"] == ""
    clock.set(MAY + timedelta(days=3))
    assert mem.space.upkeep().done["lapse"] == 1


def test_what_is_said_now_overrules_the_profile_which_waits_for_confirmation() -> None:
    mem, _ = layers()
    assert mem.profile is not None
    mem.hear("I'm a beginner.", author="Ana")
    mem.done()
    mem.sense("level", "unknown", lasts=timedelta(hours=1))
    mem.hear("I'm advanced today.", author="Ana")
    context = mem.context()
    assert "level: beginner (now said: advanced, not confirmed" in context.parts["profile"]
    assert context.overruled == (
        Overruled(slot="level", layer="profile", value="beginner", by="utterance", winner="advanced"),
        Overruled(slot="level", layer="surroundings", value="unknown", by="utterance", winner="advanced"),
    )
    assert mem.profile.slots()["level"].value == "beginner"
    assert mem.profile.pending()["level"].value == "advanced"
    assert mem.profile.confirm("level").value == "advanced"
    assert not mem.profile.pending()
    assert "now said" not in mem.context().text
    with pytest.raises(NotFound):
        mem.profile.confirm("level")


def test_nothing_on_disk_shows_the_profile_and_a_wrong_key_fails_closed(tmp_path: Path) -> None:
    mem, _ = layers(tmp_path)
    assert mem.profile is not None
    mem.profile.edit("diagnosis", "zoster")
    mem.space._memory.close()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or not any(word in file.read_bytes() for word in (b"zoster", b"diagnosis"))
    again, _ = layers(tmp_path)
    assert again.profile is not None
    assert again.profile.slots()["diagnosis"].value == "zoster"
    again.space._memory.close()
    wrong, _ = layers(tmp_path, new_key())
    with pytest.raises(Refused, match="does not open this value"):
        wrong.context()
    wrong.space._memory.close()


def test_the_conversation_is_trimmed_first_and_the_profile_never() -> None:
    mem, clock = layers(count=lambda text: len(text.split()))
    assert mem.profile is not None
    mem.profile.edit("goal", "to read Dante in Italian before the summer ends")
    mem.work("translate the first canto")
    for number in range(40):
        clock.set(MAY + timedelta(minutes=number))
        mem.hear(f"Message number {number} about the canto and its many words.", session="a")
    full, cut = mem.context(), mem.context(cap_tokens=80)
    assert full.trimmed == ()
    assert full.parts["conversation"].count("Message number") == 40
    assert cut.trimmed == ("conversation",)
    assert cut.parts["profile"] == full.parts["profile"]
    assert cut.parts["work"] == "translate the first canto"
    assert "Message number 39" in cut.text
    assert "Message number 0 " not in cut.text
    assert len(cut.text.split()) <= 80
    tight = mem.context(cap_tokens=16)
    assert tight.trimmed == ("conversation", "work")
    assert tight.parts["profile"] == full.parts["profile"]
    with pytest.raises(InvalidInput, match="never cut"):
        mem.context(cap_tokens=5)


def test_a_request_to_forget_removes_it_from_the_profile_and_from_every_later_context() -> None:
    mem, _ = layers()
    assert mem.profile is not None
    mem.hear("I live in Porto, and my goal is to run a marathon.", author="Ana")
    mem.hear("The weather is fine.", author="Ana")
    assert mem.profile.slots()["city"].value == "Porto"
    assert "Porto" in mem.context("Where do I live?").text
    assert mem.profile.forget("city") == 1
    mem.done()
    assert "Porto" not in mem.context("Where do I live?").text
    assert not any("Porto" in memory.text for memory in mem.space.memories(limit=100))
    assert set(mem.profile.slots()) == {"goal"}


def test_without_consent_nothing_is_kept_and_withdrawing_erases_all() -> None:
    mem, _ = layers()
    assert mem.profile is not None
    mem.hear("My name is Ana Silva.")
    assert mem.profile.withdraw() == 1
    assert not mem.profile.consent
    assert not mem.profile.propose("level", "beginner")
    assert mem.profile.slots() == {}


def test_a_model_finds_slots_that_no_pattern_knows() -> None:
    llm = ScriptedLLM({"layers.profile": {"items": [{"slot": "Instrument", "value": "cello"}, {"slot": "", "value": "x"}]}})
    mem, _ = layers()
    both = Layers(mem.space, mem.profile, llm)
    both.hear("The cello keeps me busy.")
    assert both.context().parts["profile"] == "instrument: cello"


def test_keys_derive_from_a_passphrase_and_can_be_replaced() -> None:
    salt = b"0123456789abcdef"
    key = derived_key("correct horse", salt)
    assert key == derived_key("correct horse", salt) != derived_key("correct horsf", salt)
    sealed = Cipher(key).seal("4411")
    assert "4411" not in sealed
    assert Cipher(key).seal("4411") != sealed
    fresh = new_key()
    (moved,) = reseal([sealed], key, fresh)
    assert Cipher(fresh).open(moved) == "4411"
    with pytest.raises(Refused):
        Cipher(fresh).open(sealed)
    with pytest.raises(InvalidInput, match="new_key"):
        Cipher("nonsense")
    with pytest.raises(InvalidInput, match="longer one"):
        derived_key("short", salt)


def test_what_the_person_sets_later_is_not_overruled_by_what_was_said_before() -> None:
    mem, clock = layers()
    assert mem.profile is not None
    mem.hear("I'm a beginner.", author="Ana")
    mem.hear("I'm advanced today.", author="Ana")
    clock.set(MAY + timedelta(hours=1))
    mem.profile.edit("level", "expert")
    context = mem.context()
    assert "level: expert" in context.parts["profile"]
    assert context.overruled == ()


def test_what_was_said_in_an_erased_message_overrules_nothing() -> None:
    mem, _ = layers()
    assert mem.profile is not None
    mem.hear("I live in Porto.", author="Ana")
    mem.sense("city", "Rome", lasts=timedelta(hours=1))
    assert mem.context().parts["surroundings"] == ""
    mem.profile.forget("city")
    context = mem.context()
    assert context.parts["surroundings"] == "city: Rome"
    assert context.overruled == ()


def test_a_model_that_fails_leaves_the_message_and_the_patterns() -> None:
    mem, _ = layers()
    both = Layers(mem.space, mem.profile, ScriptedLLM({"layers.profile": "no JSON at all"}))
    both.hear("My name is Ana Silva.")
    assert [memory.text for memory in mem.space.memories({"kinds": ["turn"]})] == ["My name is Ana Silva."]
    assert both.context().parts["profile"] == "name: Ana Silva"


def test_the_newest_summary_stands_for_what_was_trimmed() -> None:
    mem, clock = layers(count=lambda text: len(text.split()))
    for number in range(60):
        clock.set(MAY + timedelta(days=number))
        mem.space.remember(memories=[{"text": f"Summary of day {number}.", "kind": "summary"}])
        mem.hear(f"Words of day {number} and a few more of them.")
    assert "(earlier) Summary of day 59." in mem.context(cap_tokens=60).parts["conversation"]


def test_a_context_counts_each_message_once() -> None:
    counted = [0]

    def count(text: str) -> int:
        counted[0] += len(text)
        return len(text.split())

    mem, clock = layers(count=count)
    said = [{"text": f"Message {number} of a long talk.", "at": MAY + timedelta(seconds=number)} for number in range(600)]
    clock.set(MAY + timedelta(hours=1))
    mem.space.remember(said)
    counted[0] = 0
    whole = mem.context()
    assert whole.parts["conversation"].count("Message") == 600
    assert counted[0] < 20 * len(whole.text)


def test_messages_are_counted_until_the_context_is_full_not_to_the_end_of_the_window() -> None:
    counted: list[str] = []

    def count(text: str) -> int:
        counted.append(text)
        return len(text.split())

    mem, _ = layers(count=count)
    mem.space.remember([f"We went to the market and bought {n} apples there." for n in range(400)])
    context = mem.context(cap_tokens=60)
    assert context.trimmed == ("conversation",)
    assert "399 apples" in context.text
    assert len(counted) < 60


def test_a_message_longer_than_the_room_leaves_room_for_shorter_ones() -> None:
    mem, clock = layers(count=lambda text: len(text.split()))
    mem.hear("A short one.")
    clock.set(MAY + timedelta(minutes=1))
    mem.hear("word " * 500)
    context = mem.context(cap_tokens=60)
    assert "A short one." in context.parts["conversation"]
    assert context.trimmed == ("conversation",)


def test_a_forgotten_slot_is_in_no_summary_of_the_conversation() -> None:
    mem, clock = layers(count=lambda text: len(text.split()))
    assert mem.profile is not None
    said = ["I live in Porto by the river.", *(f"The tram number {number} runs late today." for number in range(9))]
    for number, text in enumerate(said):
        clock.set(MAY + timedelta(minutes=number))
        mem.hear(text, session="a")
    mem.profile.forget("city")
    assert not any("Porto" in memory.text for memory in mem.space.memories({"archived": True}, limit=100, statuses=("active", "archived")))
    assert "Porto" not in mem.context("Where do I live?", cap_tokens=60).text
