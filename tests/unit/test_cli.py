"""The command line as a person and as a program use it: what is printed, which exit code, what is in the space afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mneme import Memory
from mneme.cli.main import COMMANDS, run
from mneme.core import errors
from mneme.core.clock import FrozenClock
from mneme.core.error_map import INTERRUPTED, TABLE, codes_of
from mneme.space import Space

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mneme(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    for name in ("MNEME_ROOT", "MNEME_SPACE", "MNEME_EMBEDDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["--root", str(tmp_path / "root"), "--embedder", "hash", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def answer(result: tuple[int, str, str]) -> Any:
    code, out, err = result
    assert (code, err) == (0, "")
    return json.loads(out)


def remembered(mneme: Call, text: str, *options: str) -> str:
    (id,) = answer(mneme("--json", "remember", text, *options))["ids"]
    assert isinstance(id, str)
    return id


def test_what_was_remembered_is_recalled_with_its_date_and_author(mneme: Call) -> None:
    mneme("remember", "I moved to Porto in May.", "--at", "2024-06-01", "--author", "Ana", "--session", "s1", "--ref", "m17")
    code, out, _ = mneme("recall", "moved to Porto")
    assert code == 0
    assert "2024-06-01  Ana · s1" in out
    assert "I moved to Porto in May." in out
    assert "m17" in out


def test_json_carries_the_whole_memory(mneme: Call) -> None:
    id = remembered(mneme, "I moved to Porto in May.", "--at", "2024-06-01T10:00+02:00", "--tag", "home", "--channel", "email")
    found = answer(mneme("recall", "Porto", "--json"))
    (hit,) = found["hits"]
    assert hit["memory"]["id"] == id
    assert hit["memory"]["at"] == "2024-06-01T08:00:00Z"
    assert (hit["memory"]["tags"], hit["memory"]["channel"]) == (["home"], "email")
    assert "I moved to Porto in May." in found["context"]


def test_global_options_stand_before_or_after_the_command(mneme: Call) -> None:
    mneme("--space", "a", "remember", "in a")
    mneme("remember", "in b", "--space", "b")
    assert [row["space"] for row in answer(mneme("spaces", "--json"))] == ["a", "b"]


def test_a_text_comes_from_standard_input(mneme: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("piped in\n", encoding="utf-8")
    with (tmp_path / "in").open(encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert mneme("remember")[0] == 0
    assert answer(mneme("recall", "piped", "--json"))["hits"][0]["memory"]["text"] == "piped in\n"


def test_the_same_key_adds_nothing(mneme: Call) -> None:
    mneme("remember", "once", "--key", "k")
    _, out, _ = mneme("remember", "once", "--key", "k")
    assert out.startswith("Already there: the key was used before; nothing was added.")
    assert answer(mneme("stats", "--json"))["active"] == 1


def test_explain_shows_what_each_channel_gave(mneme: Call) -> None:
    mneme("remember", "I moved to Porto in May.")
    mneme("remember", "The kettle is broken.")
    _, out, _ = mneme("recall", "Porto", "--explain", "-k", "1")
    why = answer(mneme("recall", "Porto", "--explain", "-k", "1", "--json"))["hits"][0]["why"]
    shown = [f"{part:+.2f}" for part in why.values() if isinstance(part, float) and abs(part) >= 0.005]
    assert "near in meaning" in out
    assert len(shown) > 3
    for part in shown:
        assert re.search(rf" {re.escape(part)} ", out)
    assert "█" in out
    assert "+0.00" not in out


def test_recall_filters_by_author_and_time(mneme: Call) -> None:
    mneme("remember", "tea at noon", "--author", "Ana", "--at", "2024-01-01")
    mneme("remember", "tea at five", "--author", "Bo", "--at", "2024-02-01")
    by_author = answer(mneme("recall", "tea", "--author", "Bo", "--json"))
    by_time = answer(mneme("recall", "tea", "--until", "2024-01-15", "--json"))
    assert [hit["memory"]["text"] for hit in by_author["hits"]] == ["tea at five"]
    assert [hit["memory"]["text"] for hit in by_time["hits"]] == ["tea at noon"]


def test_several_spaces_are_asked_together(mneme: Call) -> None:
    mneme("remember", "tea for Ana", "--space", "a")
    mneme("remember", "tea for Bo", "--space", "b")
    hits = answer(mneme("recall", "tea", "--in", "a", "--in", "b", "--json"))["hits"]
    assert {hit["space"] for hit in hits} == {"a", "b"}


def test_context_prints_only_what_goes_into_a_prompt(mneme: Call) -> None:
    mneme("remember", "I moved to Porto in May.", "--at", "2024-06-01")
    _, out, _ = mneme("recall", "Porto", "--context")
    assert "I moved to Porto in May." in out
    assert "mem_" not in out


def test_a_revision_stands_in_the_history_and_can_be_undone(mneme: Call) -> None:
    id = remembered(mneme, "The wedding is on the 21st.")
    mneme("revise", id, "The wedding is on the 28th.", "--reason", "misread")
    _, out, _ = mneme("history", id)
    assert "revise: misread" in out
    assert out.index("21st") < out.index("28th")
    mneme("undo")
    assert answer(mneme("recall", "wedding", "--json"))["hits"][0]["memory"]["text"] == "The wedding is on the 21st."


def test_a_supersession_holds_from_its_moment(mneme: Call) -> None:
    id = remembered(mneme, "Ana lives in Lisbon.", "--at", "2024-01-01")
    mneme("revise", id, "Ana lives in Porto.", "--since", "2024-05-03")
    now = answer(mneme("recall", "Where does Ana live?", "--json"))["hits"]
    then = answer(mneme("recall", "Where does Ana live?", "--as-of", "2024-04-01", "--json"))["hits"]
    assert [hit["memory"]["text"] for hit in now] == ["Ana lives in Porto."]
    assert [hit["memory"]["text"] for hit in then] == ["Ana lives in Lisbon."]


def test_forgetting_archives_and_restore_brings_back(mneme: Call) -> None:
    id = remembered(mneme, "tea")
    assert "Forgot (archived) 1 memory." in mneme("forget", id)[1]
    assert mneme("recall", "tea")[1].startswith("Nothing found.")
    assert answer(mneme("recall", "tea", "--archived", "--json"))["hits"][0]["memory"]["id"] == id
    mneme("restore", id)
    assert answer(mneme("recall", "tea", "--json"))["hits"][0]["memory"]["id"] == id


def test_erasing_prints_a_report_that_found_nothing(mneme: Call, tmp_path: Path) -> None:
    mneme("remember", "the password is quetzalcoatl", "--author", "Ana")
    mneme("remember", "tea", "--author", "Bo")
    code, out, _ = mneme("forget", "--author", "Ana", "--erase", "--yes")
    assert code == 0
    assert "Erased" in out
    assert "nothing found" in out
    assert all(b"quetzalcoatl" not in file.read_bytes() for file in (tmp_path / "root").rglob("*") if file.is_file())
    assert answer(mneme("recall", "tea", "--json"))["hits"][0]["memory"]["text"] == "tea"


def test_erasing_without_yes_is_refused_where_nobody_can_be_asked(mneme: Call) -> None:
    id = remembered(mneme, "tea")
    code, _, err = mneme("forget", id, "--erase")
    assert code == 2
    assert "add --yes" in err
    assert answer(mneme("stats", "--json"))["active"] == 1


@pytest.mark.parametrize("arguments", [[], ["mem_x", "--author", "Ana"]])
def test_forget_wants_ids_or_a_filter(mneme: Call, arguments: list[str]) -> None:
    code, _, err = mneme("forget", *arguments)
    assert code == 2
    assert "not both, not neither" in err


def test_an_unknown_space_is_named_with_those_that_exist(mneme: Call) -> None:
    mneme("remember", "tea", "--space", "a")
    code, out, err = mneme("recall", "tea", "--space", "b")
    assert (code, out) == (3, "")
    assert err == "Error: space: there is no space 'b'\n       spaces here: a\n"
    assert [row["space"] for row in answer(mneme("spaces", "--json"))] == ["a"]


def test_an_unknown_memory_is_one_line_and_exit_code_3(mneme: Call) -> None:
    mneme("remember", "tea")
    code, _, err = mneme("revise", "mem_nope", "coffee")
    assert code == 3
    assert err == "Error: memory: there is no memory 'mem_nope' in this space\n"


def test_an_error_is_an_object_when_json_is_asked_for(mneme: Call) -> None:
    code, out, err = mneme("remember", " ", "--json")
    error = json.loads(err)["error"]
    assert (code, out) == (2, "")
    assert (error["type"], error["exit"]) == ("InvalidInput", 2)
    assert list(error["problems"]) == ["text"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["recall", "x", "--since", "yesterday"], "write 2024-05-01"),
        (["recall", "x", "-k", "0"], "'-k'"),
        (["dance"], "No such command 'dance'"),
        (["recal", "x"], "Did you mean recall"),
        (["remember", "x", "--at", "9999-12-31T23:59:59-10:00"], "outside the years 1 to 9999"),
        (["remember", "x", "--space", ""], "space: "),
        (["--space", "", "remember", "x"], "space: "),
        (["remember", "x", "--root", ""], "root: is empty"),
        (["migrate", "--from", "nowhere", "--to", "there"], "--from: there is no folder nowhere"),
        (["recall"], "Missing argument 'QUERY'"),
    ],
)
def test_a_wrong_call_says_how_to_mend_it(mneme: Call, arguments: list[str], says: str) -> None:
    code, _, err = mneme(*arguments)
    assert code == 2
    assert says in err


def test_a_wrong_call_is_an_object_too_when_json_is_asked_for(mneme: Call) -> None:
    code, out, err = mneme("recall", "--json")
    assert (code, out) == (2, "")
    assert json.loads(err)["error"] == {"type": "UsageError", "message": "Missing argument 'QUERY'.", "exit": 2}


def test_standard_input_that_is_no_text_is_one_clear_line(mneme: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"caf\xe9")
    with (tmp_path / "in").open(encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdin", file)
        code, _, err = mneme("remember")
    assert code == 2
    assert "standard input is not utf-8; convert it first" in err


def test_a_filter_that_fits_nothing_forgets_nothing(mneme: Call) -> None:
    mneme("remember", "tea")
    for how in ([], ["--erase", "--yes"]):
        assert mneme("forget", "--author", "nobody", *how)[:2] == (0, "Nothing to forget: no memory fits.\n")


def test_undoing_an_erasure_is_refused(mneme: Call) -> None:
    id = remembered(mneme, "tea")
    entry = answer(mneme("forget", id, "--erase", "--yes", "--json"))["entry"]
    code, _, err = mneme("undo", str(entry))
    assert code == codes_of(errors.CannotUndo).exit == 4
    assert "can't come back" in err


def test_verify_and_doctor_find_a_good_root_in_order(mneme: Call) -> None:
    mneme("remember", "tea", "--space", "a")
    _, out, _ = mneme("verify", "--all")
    assert "a: 1 journal entry, 1 memory" in out
    report = answer(mneme("doctor", "--json"))
    assert report["ok"] is True
    assert [check["what"] for check in report["checks"]] == ["python", "sqlite", "folder", "disk", "model", "space"]


def test_doctor_names_a_journal_that_is_ahead_of_the_clock_and_the_way_out(mneme: Call, tmp_path: Path) -> None:
    clock = FrozenClock(datetime(2199, 1, 1, tzinfo=UTC))
    with Memory(tmp_path / "root", embedder="hash", clock=clock) as memory:
        memory.space("a").remember("tea")
    code, out, _ = mneme("doctor")
    assert code == 1
    assert "✗ clock      a: entry 1 was recorded at 2199-01-01 00:00:00+00:00, and now it is 20" in out
    mneme("export", str(tmp_path / "a.jsonl"), "--space", "a")
    mneme("import", str(tmp_path / "a.jsonl"), "--space", "b")
    mneme("drop", "a", "--yes")
    assert answer(mneme("doctor", "--json"))["ok"] is True


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=30)], ids=["now", "by half a minute"])
def test_doctor_takes_what_is_written_meanwhile_for_no_clock_that_is_ahead(
    mneme: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: timedelta
) -> None:
    entry_at = Space.entry_at
    mneme("remember", "tea", "--space", "a")

    def and_somebody_writes(space: Space, moment: datetime) -> int:
        found = entry_at(space, moment)
        with Memory(tmp_path / "root", embedder="hash", clock=FrozenClock(datetime.now(UTC) + ahead)) as other:
            other.space("a").remember("milk")
        return found

    monkeypatch.setattr(Space, "entry_at", and_somebody_writes)
    assert answer(mneme("doctor", "--json"))["ok"] is True


def test_a_broken_file_is_named_and_hides_no_other_space(mneme: Call, tmp_path: Path) -> None:
    mneme("remember", "tea", "--space", "good")
    mneme("remember", "tea", "--space", "bad")
    (broken,) = (tmp_path / "root" / "spaces").glob("bad-*.sqlite")
    broken.write_bytes(b"no database" * 1000)
    code, out, _ = mneme("spaces")
    assert code == 1
    assert re.search(r"good +1 +1 ", out)
    assert "bad: " in out
    assert "is not a mneme file" in out
    code, out, _ = mneme("doctor")
    assert code == 1
    assert "✗ space      bad" in out
    code, _, err = mneme("recall", "tea", "--space", "bad")
    assert code == codes_of(errors.CorruptStore).exit
    assert err.count("\n") == 1


def test_a_space_is_dropped_whole_and_its_head_is_told(mneme: Call, tmp_path: Path) -> None:
    mneme("remember", "tea", "--space", "good")
    mneme("remember", "tea", "--space", "bad")
    head = answer(mneme("verify", "--space", "good", "--json"))["good"]["head"]
    code, _, err = mneme("drop", "good")
    assert (code, "--yes" in err) == (2, True)
    assert answer(mneme("drop", "good", "--yes", "--json")) == {"space": "good", "memories": 1, "entries": 1, "head": head}
    assert mneme("drop", "good", "--yes")[0] == codes_of(errors.NotFound).exit
    (broken,) = (tmp_path / "root" / "spaces").glob("bad-*.sqlite")
    broken.write_bytes(b"no database" * 1000)
    code, out, _ = mneme("drop", "bad", "--yes")
    assert (code, out) == (0, "Dropped the damaged space 'bad'.\n")
    assert list((tmp_path / "root" / "spaces").glob("*.sqlite*")) == []


def test_a_space_of_another_model_is_dropped_and_its_head_is_printed_before(
    mneme: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Memory(tmp_path / "root", embedder="hash:64") as memory:
        memory.space("old").remember("tea")
        head = memory.space("old").verify().head
    with monkeypatch.context() as patched:
        patched.setattr(Memory, "drop", lambda self, name: (_ for _ in ()).throw(errors.StorageError("storage: the disk fails")))
        code, out, err = mneme("drop", "old", "--yes")
        assert (code, out) == (codes_of(errors.StorageError).exit, f"The head of its journal is {head}.\n")
        assert "the disk fails" in err
    code, out, _ = mneme("drop", "old", "--yes")
    assert (code, out) == (0, f"The head of its journal is {head}.\nDropped 'old' with 1 memory and 1 journal entry.\n")


def test_a_space_with_something_under_a_legal_hold_stays(mneme: Call, tmp_path: Path) -> None:
    id = remembered(mneme, "tea", "--space", "a", "--author", "ana")
    mneme("forget", id, "--space", "a")
    (tmp_path / "held.toml").write_text('[[hold]]\nname = "suit"\nauthors = ["ana"]\n', encoding="utf-8")
    mneme("policies", str(tmp_path / "held.toml"), "--space", "a")
    code, _, err = mneme("drop", "a", "--yes")
    assert code == codes_of(errors.Refused).exit
    assert "hold 'suit': protects" in err
    mneme("policies", "--clear", "--space", "a")
    assert mneme("drop", "a", "--yes")[0] == 0


def test_a_root_that_is_a_file_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    code = run(["--root", str(tmp_path / "file"), "spaces"])
    err = capsys.readouterr().err
    assert code in (codes_of(errors.StorageError).exit, codes_of(errors.ReadOnly).exit)
    assert err.startswith("Error: path: ")
    assert err.count("\n") == 1


def test_a_space_moves_through_an_export(mneme: Call, tmp_path: Path) -> None:
    id = remembered(mneme, "tea", "--space", "a")
    mneme("export", str(tmp_path / "a.jsonl"), "--space", "a")
    mneme("import", str(tmp_path / "a.jsonl"), "--space", "b")
    assert answer(mneme("recall", "tea", "--space", "b", "--json"))["hits"][0]["memory"]["id"] == id


def chat(path: Path, count: int, first: int = 0) -> Path:
    lines = [{"role": "user", "content": f"message number {n}", "id": f"m{n}", "session": "s"} for n in range(first, count)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_importing_twice_adds_nothing_and_a_grown_export_only_what_is_new(mneme: Call, tmp_path: Path) -> None:
    first = answer(mneme("import", str(chat(tmp_path / "chat.jsonl", 300)), "--json"))
    again = answer(mneme("import", str(tmp_path / "chat.jsonl"), "--json"))
    grown = answer(mneme("import", str(chat(tmp_path / "chat.jsonl", 310)), "--json"))
    assert (first["stored"], first["known"]) == ({"default": 300}, 0)
    assert (again["stored"], again["known"]) == ({}, 300)
    assert (grown["stored"], grown["known"]) == ({"default": 10}, 300)
    assert answer(mneme("stats", "--json"))["active"] == 310


def test_what_was_erased_does_not_come_back_with_the_next_import(mneme: Call, tmp_path: Path) -> None:
    chat(tmp_path / "chat.jsonl", 5)
    mneme("import", str(tmp_path / "chat.jsonl"))
    mneme("forget", "--ref", "m2", "--ref", "m4", "--erase", "--yes")
    mneme("import", str(tmp_path / "chat.jsonl"))
    assert answer(mneme("stats", "--json"))["active"] == 3


def test_an_import_reports_what_was_malformed_with_its_place(mneme: Call, tmp_path: Path) -> None:
    (tmp_path / "chat.jsonl").write_text('{"role": "user", "content": "tea"}\n{broken\n', encoding="utf-8")
    code, out, _ = mneme("import", str(tmp_path / "chat.jsonl"))
    assert code == 0
    assert "Remembered 1 message of format messages." in out
    assert "chat.jsonl, line 2: is not JSON; left out" in out


def test_conversations_with_spaces_of_their_own_can_share_one(mneme: Call, tmp_path: Path) -> None:
    turn = {"speaker": "Ana", "dia_id": "D1:1", "text": "tea"}
    talks = [{"sample_id": name, "conversation": {"speaker_a": "Ana", "session_1_date_time": "2024-01-01", "session_1": [turn]}}
             for name in ("one", "two")]  # fmt: skip
    (tmp_path / "talks.json").write_text(json.dumps(talks), encoding="utf-8")
    mneme("import", str(tmp_path / "talks.json"))
    mneme("import", str(tmp_path / "talks.json"), "--space", "both")
    assert [row["space"] for row in answer(mneme("spaces", "--json"))] == ["both", "one", "two"]
    hits = answer(mneme("recall", "tea", "--space", "both", "--json"))["hits"]
    assert {(hit["memory"]["session"], hit["memory"]["ref"]) for hit in hits} == {
        ("one/session_1", "one/D1:1"),
        ("two/session_1", "two/D1:1"),
    }


def test_undated_messages_take_the_date_that_is_given(mneme: Call, tmp_path: Path) -> None:
    mneme("import", str(chat(tmp_path / "chat.jsonl", 1)), "--undated", "2020-02-02")
    assert answer(mneme("recall", "message", "--json"))["hits"][0]["memory"]["at"] == "2020-02-02T00:00:00Z"


def test_formats_are_listed(mneme: Call) -> None:
    _, out, _ = mneme("import", "--formats")
    assert [line.split()[0] for line in out.splitlines()] == [
        "locomo", "longmemeval", "chatgpt", "claude", "messages", "markdown", "text", "mneme",
    ]  # fmt: skip


def test_an_interrupted_import_is_whole_and_goes_on(mneme: Call, tmp_path: Path) -> None:
    path = chat(tmp_path / "chat.jsonl", 4000)
    command = [sys.executable, "-m", "mneme", "--root", str(tmp_path / "root"), "import", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        code, out, _ = mneme("stats", "--json")
        if code == 0 and json.loads(out)["active"] > 0:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == INTERRUPTED
    assert "Go on with:" in err
    assert f"import {path} --format messages" in err
    local = ["--embedder", "local"]
    stored = answer(mneme(*local, "stats", "--json"))["active"]
    assert 0 < stored < 4000
    assert stored % 256 == 0
    assert mneme(*local, "verify")[0] == 0


def demo_environment(folder: Path) -> dict[str, str]:
    hidden = ("MNEME_ROOT", "MNEME_SPACE", "MNEME_EMBEDDER", "ORT_DISABLE_TELEMETRY")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return environment | {"TMPDIR": str(folder), "HOME": str(folder), "XDG_CACHE_HOME": str(folder)}


def test_the_demo_tells_its_story_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-B", "-m", "mneme", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, env=demo_environment(tmp_path), cwd=tmp_path, check=True)
    out = done.stdout
    assert done.stderr == ""
    assert "nothing found" in out
    assert "the chain is whole" in out
    assert "What to try next" in out
    assert list(tmp_path.iterdir()) == []


def test_what_the_demo_says_of_its_results_is_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MNEME_ROOT", "MNEME_SPACE", "MNEME_EMBEDDER"):
        monkeypatch.delenv(name, raising=False)
    assert run(["demo", "--json"]) == 0
    scenes = json.loads(capsys.readouterr().out)["scenes"]
    hits = [
        [call["result"]["hits"] for call in scene["calls"] if isinstance(call["result"], dict) and "hits" in call["result"]]
        for scene in scenes
    ]
    texts = [[[hit["memory"]["text"] for hit in found] for found in scene] for scene in hits]
    assert "head of restoration" in texts[1][0][0]
    assert "walnuts" in texts[1][1][0]
    assert ["Lisbon" in found[0] for found in texts[2]] == [True, False, True]
    assert texts[2][1] == ["Ines lives in Porto, in Rua do Almada 310, on the second floor, with a lift."]
    assert {"21st" in text for text in texts[3][0]} == {True}
    assert ["28th" in texts[4][0][0], "on the 21st" in texts[4][1][0]] == [True, True]
    never, now = "no coffee, ever", "two cups every morning"
    assert [[never in text or now in text for text in found] for found in texts[5]] == [[True, True], [True], [True]]
    assert now in texts[5][1][0]
    assert never in texts[5][2][0]
    assert "7316" in texts[6][0][0]
    assert texts[6][1] == []
    assert scenes[6]["calls"][1]["result"]["findings"] == []
    assert scenes[7]["calls"][0]["result"]["problems"] == []


def test_the_demo_keeps_out_of_the_root_that_the_environment_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNEME_ROOT", str(tmp_path))
    monkeypatch.setenv("MNEME_EMBEDDER", "hash")
    assert run(["demo", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["scenes"]) == 8
    assert list(tmp_path.iterdir()) == []


def test_the_demo_keeps_out_of_a_space_that_is_in_use(mneme: Call) -> None:
    mneme("remember", "mine", "--space", "demo")
    code, _, err = mneme("demo")
    assert code == 2
    assert "name another with --space" in err


def test_every_command_has_a_whole_first_sentence_in_the_help(mneme: Call) -> None:
    _, out, _ = mneme("--help")
    for commands in COMMANDS.values():
        for name in commands:
            assert f"  {name} " in out
    assert "..." not in out.partition("COMMAND [ARGS]...")[2]


def test_every_error_has_codes_and_no_two_kinds_share_an_exit_code() -> None:
    tree = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MnemeError)]
    assert all(codes_of(kind).http >= 400 for kind in tree)
    direct = [kind for kind in tree if kind.__base__ is errors.MnemeError or errors.MnemeError in kind.__bases__]
    assert [kind for kind in direct if kind not in TABLE] == []
    assert len({TABLE[kind].exit for kind in direct}) == len(direct)
    assert codes_of(errors.InvalidBatch).exit == 2
    assert codes_of(KeyError) == TABLE[errors.MnemeError]


def test_help_is_quick() -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-X", "importtime", "-m", "mneme", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"numpy", "onnxruntime", "rich", "sqlite3", "mneme.memory"}


def test_a_moment_without_a_zone_is_utc(mneme: Call) -> None:
    id = remembered(mneme, "tea", "--at", "2024-06-01T10:00")
    (step,) = answer(mneme("history", id, "--json"))
    assert datetime.fromisoformat(step["memory"]["at"]) == datetime(2024, 6, 1, 10, tzinfo=UTC)


def test_the_journal_shows_its_verbs_whole_on_a_narrow_screen(mneme: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    id = remembered(mneme, "The kiln is warm.")
    assert mneme("revise", id, "The kiln is cold.", "--since", "2030-01-01", "--reason", "it was let go out over the long weekend")[0] == 0
    _, out, _ = mneme("history")
    assert "remember" in out
    assert "revise: " in out


def test_a_remembered_text_can_not_steer_the_terminal(mneme: Call) -> None:
    id = remembered(mneme, "Tea \x1b]0;owned\x07\x1b[2J\x9b31m at\tfive")
    mneme("revise", id, "Tea \x1b[31m at six", "--reason", "a clock\x1b[31m that was wrong")
    for words in (["recall", "tea"], ["recall", "tea", "--explain"], ["history"], ["history", id], ["ask", "tea at five"]):
        _, out, err = mneme(*words)
        assert not {"\x1b", "\x07", "\x9b"} & set(out + err), words
    assert "\ufffd[31m" in mneme("recall", "tea")[1]
    assert "\x1b[31m" in mneme("recall", "tea", "--context")[1]  # what a program reads is as it was said


_NEEDING = [(["keys", "list"], "server"), (["mcp"], "mcp"), (["arena", "list"], "arena"), (["serve"], "server")]


@pytest.mark.parametrize(("words", "extra"), _NEEDING)
def test_a_command_whose_packages_are_missing_says_what_to_install(words: list[str], extra: str) -> None:
    script = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pydantic", "fastapi", "mcp", "scipy", "ir_measures", "yaml", "uvicorn"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from mneme.cli.main import run
sys.exit(run(sys.argv[1:]))
"""
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (16, "")
    assert done.stderr == f"Error: mneme {words[0]} needs an optional package: pip install 'mneme[{extra}]'\n"
