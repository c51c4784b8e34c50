"""ChatDB: chains of SQL over rows that are memories; the sheet's shop, and everything that must not be possible."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

import mneme
from mneme.core.errors import InvalidInput, Refused
from mneme.recipes.agent.chatdb import Intent, SymbolicMemory
from mneme.testing import ScriptedLLM

from .world import START, memory_of

SHOP = """
CREATE TABLE stock (fruit TEXT PRIMARY KEY, kg REAL NOT NULL CHECK (kg >= 0));
CREATE TABLE sales (sale_id INTEGER PRIMARY KEY, fruit TEXT NOT NULL REFERENCES stock (fruit), kg REAL, price REAL, customer TEXT);
CREATE TABLE purchases (purchase_id INTEGER PRIMARY KEY, fruit TEXT, kg REAL, price REAL);
"""
AMOUNT = r"(?P<kg>\d+) kg (?P<fruit>\w+)"
INTENTS = [
    Intent(
        pattern=rf"bought {AMOUNT} at (?P<price>\d+)",
        steps=(
            "INSERT INTO purchases (fruit, kg, price) VALUES (:fruit, :kg, :price)",
            "INSERT INTO stock VALUES (:fruit, :kg) ON CONFLICT (fruit) DO UPDATE SET kg = kg + excluded.kg",
        ),
    ),
    Intent(
        pattern=rf"sold {AMOUNT} at (?P<price>\d+) to (?P<customer>\w+)",
        steps=(
            "INSERT INTO sales (fruit, kg, price, customer) VALUES (:fruit, :kg, :price, :customer)",
            "UPDATE stock SET kg = kg - :kg WHERE fruit = :fruit",
        ),
    ),
    Intent(
        pattern=rf"(?P<customer>\w+) returns {AMOUNT}",
        steps=(
            "SELECT sale_id FROM sales WHERE customer = :customer AND fruit = :fruit ORDER BY sale_id DESC LIMIT 1",
            "UPDATE sales SET kg = kg - :kg WHERE sale_id = <sale_id>",
            "UPDATE stock SET kg = kg + :kg WHERE fruit = :fruit",
        ),
    ),
]


def shop(answers: Mapping[str, object] | None = None) -> SymbolicMemory:
    llm = ScriptedLLM(answers) if answers is not None else None
    memory, _ = memory_of("chatdb", "hash:64", llm=llm)
    return SymbolicMemory(memory.space("shop"), SHOP, llm, INTENTS)


def plan(*steps: str, reply: str = "") -> dict[str, object]:
    return {"steps": [{"about": "", "sql": sql} for sql in steps], "reply": reply}


def one(table: SymbolicMemory, sql: str) -> object:
    ((value,),) = table.select(sql).rows
    return value


def sold_and_returned(table: SymbolicMemory) -> None:
    for text in ("We bought 50 kg apples at 2.", "We sold 20 kg apples at 3 to Bob.", "Bob returns 5 kg apples."):
        assert table.tell(text).error == ""


def test_a_return_changes_sale_and_stock_and_every_sum_is_exact() -> None:
    table = shop()
    sold_and_returned(table)
    assert one(table, "SELECT kg FROM stock") == 35
    assert one(table, "SELECT sum(kg * price) FROM sales") == 45
    profit = "SELECT (SELECT sum(kg * price) FROM sales) - (SELECT sum(kg * price) FROM purchases)"
    assert one(table, profit) == 45 - 100
    assert one(table, "SELECT sum(kg * (price - 2)) FROM sales") == 15
    assert table.rows("sales") == [{"sale_id": 1, "fruit": "apples", "kg": 15, "price": 3, "customer": "Bob"}]


def test_the_same_chain_planned_by_a_model() -> None:
    bought = plan("INSERT INTO purchases (fruit, kg, price) VALUES ('apples', 50, 2)", "INSERT INTO stock VALUES ('apples', 50)")
    sold = plan(
        "INSERT INTO sales (fruit, kg, price, customer) VALUES ('apples', 20, 3, 'Bob')",
        "UPDATE stock SET kg = kg - 20 WHERE fruit = 'apples'",
    )
    back = plan(
        "SELECT sale_id FROM sales WHERE customer = 'Bob'",
        "UPDATE sales SET kg = kg - 5 WHERE sale_id = '<sale_id>'",
        "UPDATE stock SET kg = kg + 5 WHERE fruit = 'apples'",
    )
    table = shop(
        {"chatdb.plan": [bought, sold, back, plan(reply="Hello!")], "chatdb.answer": {"text": "done"}, "form.statements": {"items": []}}
    )
    for text in ("bought", "sold", "returned"):
        assert table.tell(text).answer == "done"
    assert (one(table, "SELECT kg FROM stock"), one(table, "SELECT sum(kg * price) FROM sales")) == (35, 45)
    hello = table.tell("Hello")
    assert (hello.steps, hello.entry, hello.answer) == ((), 0, "Hello!")


def test_small_talk_runs_nothing() -> None:
    table = shop()
    said = table.tell("Hello there")
    assert (said.steps, said.entry, said.changed) == ((), 0, 0)
    assert [episode.text for episode in table.space.episodes()] == ["Hello there"]


def test_a_failing_step_leaves_every_table_as_it_was() -> None:
    wrong = Intent(pattern="wrong", steps=("UPDATE stock SET kg = 1", "UPDATE stock SET kilos = 2"))
    broken = Intent(pattern="oversell", steps=("INSERT INTO sales (fruit, kg) VALUES ('apples', 99)", "UPDATE stock SET kg = kg - 99"))
    dangling = Intent(pattern="dangling", steps=("INSERT INTO sales (fruit, kg) VALUES ('pears', 1)",))
    table = shop()
    sold_and_returned(table)
    table = SymbolicMemory(table.space, intents=[wrong, broken, dangling])
    for text, step, why in (("wrong", 2, "kilos"), ("oversell", 2, "CHECK"), ("dangling", 1, "FOREIGN KEY")):
        chain = table.tell(text)
        assert chain.error.startswith(f"step {step} of "), chain.error
        assert why in chain.error
        assert chain.answer == chain.error
        assert chain.entry == 0
    assert (one(table, "SELECT kg FROM stock"), one(table, "SELECT count(*) FROM sales")) == (35, 1)


def test_a_model_may_plan_once_more_after_an_error() -> None:
    answers = {
        "chatdb.plan": [plan("UPDATE stok SET kg = 1"), plan("INSERT INTO stock VALUES ('figs', 4)")],
        "chatdb.answer": {"text": "ok"},
    }
    table = shop({**answers, "form.statements": {"items": []}})
    assert table.tell("We have 4 kg figs.").error == ""
    assert one(table, "SELECT kg FROM stock WHERE fruit = 'figs'") == 4


def test_a_placeholder_with_two_rows_makes_two_statements() -> None:
    both = Intent(
        pattern="cancel Bob",
        steps=("SELECT sale_id, fruit FROM sales WHERE customer = 'Bob'", "DELETE FROM sales WHERE sale_id = <sale_id@step1>"),
    )
    table = shop()
    for text in (
        "We bought 50 kg apples at 2.",
        "We sold 20 kg apples at 3 to Bob.",
        "We sold 3 kg apples at 4 to Bob.",
        "We sold 1 kg apples at 4 to Eve.",
    ):
        table.tell(text)
    table = SymbolicMemory(table.space, intents=[both])
    chain = table.tell("cancel Bob")
    assert [values for _, values in chain.steps[1].statements] == [(1,), (2,)]
    assert [row["customer"] for row in table.rows("sales")] == ["Eve"]


def test_a_return_of_what_was_never_sold_changes_nothing() -> None:
    table = shop()
    sold_and_returned(table)
    chain = table.tell("Eve returns 5 kg apples.")
    assert chain.error == "step 2 of 3, nothing was changed: sql: needs a row of step 1, which found none"
    assert (one(table, "SELECT kg FROM stock"), one(table, "SELECT sum(kg) FROM sales")) == (35, 15)


def test_a_model_fills_a_placeholder_that_names_no_column() -> None:
    first = plan("INSERT INTO stock VALUES ('figs', 4)")
    then = plan("SELECT fruit FROM stock", "UPDATE stock SET kg = 7 WHERE fruit = <first>")
    filled = {"chatdb.fill": {"statements": ["UPDATE stock SET kg = 7 WHERE fruit = 'figs'"]}, "chatdb.answer": {"text": "ok"}}
    table = shop({"chatdb.plan": [first, then], **filled, "form.statements": {"items": []}})
    table.tell("figs")
    assert table.tell("seven of the first").error == ""
    assert one(table, "SELECT kg FROM stock") == 7


def test_two_hundred_random_sales_and_returns_agree_with_a_ledger() -> None:
    table, rng = shop(), random.Random(7)
    stock: dict[str, int] = {}
    sales: list[tuple[str, str, int, int]] = []
    for _ in range(200):
        fruit, who, kg, price = rng.choice(("apples", "pears")), rng.choice(("Bob", "Eve")), rng.randint(1, 9), rng.randint(1, 5)
        bought = next((number for number in range(len(sales) - 1, -1, -1) if sales[number][:2] == (who, fruit)), None)
        kind = rng.choice(("buy", "sell", "return"))
        if kind == "buy" or stock.get(fruit, 0) < kg:
            table.tell(f"We bought {kg} kg {fruit} at {price}.")
            stock[fruit] = stock.get(fruit, 0) + kg
        elif kind == "sell":
            table.tell(f"We sold {kg} kg {fruit} at {price} to {who}.")
            stock[fruit] -= kg
            sales.append((who, fruit, kg, price))
        elif bought is not None:
            table.tell(f"{who} returns {kg} kg {fruit}.")
            stock[fruit] += kg
            sales[bought] = (*sales[bought][:2], sales[bought][2] - kg, sales[bought][3])
    assert {row["fruit"]: row["kg"] for row in table.rows("stock")} == stock
    assert one(table, "SELECT sum(kg * price) FROM sales") == sum(kg * price for _, _, kg, price in sales)
    assert table.space.verify().ok


def test_a_chain_is_undone_as_a_whole_and_its_history_stays() -> None:
    table = shop()
    sold_and_returned(table)
    chain = table.tell("We sold 10 kg apples at 9 to Eve.")
    assert one(table, "SELECT kg FROM stock") == 25
    table.space.undo(entry=chain.entry)
    assert (one(table, "SELECT kg FROM stock"), one(table, "SELECT count(*) FROM sales")) == (35, 1)
    (row,) = table.space.memories({"tags": ["table:stock"]})
    kept = [step.memory.attributes["values"]["kg"] for step in table.space.history(row.id) if step.memory]
    assert kept[:4] == [50, 30, 35, 25]
    assert table.space.verify().ok


def test_a_row_rests_on_what_was_said_and_goes_with_it() -> None:
    table = shop()
    table.tell("We bought 50 kg apples at 2.")
    (row,) = table.space.memories({"tags": ["table:purchases"]})
    (episode,) = table.space.episodes([span.episode for span in row.sources])
    assert episode.text == "We bought 50 kg apples at 2."
    assert "purchases 1: purchase_id 1, fruit apples" in row.text
    assert row.id in [hit.memory.id for hit in table.space.recall("purchases of apples", k=5).hits]
    turn = next(memory for memory in table.space.memories({"kinds": ["turn"]}) if memory.text == episode.text)
    table.space.forget(turn.id, erase=True)
    assert table.rows("purchases") == []


PEOPLE = "CREATE TABLE people (name TEXT PRIMARY KEY, town TEXT, phone TEXT)"
KNOWN = [
    Intent(pattern=r"new (?P<name>\w+) of (?P<town>\w+)", steps=("INSERT INTO people (name, town) VALUES (:name, :town)",)),
    Intent(pattern=r"(?P<name>\w+) is called at (?P<phone>[\d-]+)", steps=("UPDATE people SET phone = :phone WHERE name = :name",)),
    Intent(pattern=r"(?P<name>\w+) moved to (?P<town>\w+)", steps=("UPDATE people SET town = :town WHERE name = :name",)),
]


def people(*said: str) -> SymbolicMemory:
    table = SymbolicMemory(memory_of("chatdb", "hash:64")[0].space("people"), PEOPLE, intents=KNOWN)
    for text in said:
        assert table.tell(text).changed == 1
    return table


def forgotten(table: SymbolicMemory, text: str) -> None:
    turn = next(memory for memory in table.space.memories({"kinds": ["turn"]}) if memory.text == text)
    table.space.forget(turn.id, erase=True)


def test_a_value_goes_with_the_message_that_set_it_and_the_row_with_what_is_left() -> None:
    first, second, third = "A new Bob of Faro.", "Bob is called at 555-0199.", "Bob moved to Porto."
    table = people(first, second, third)
    (row,) = table.space.memories({"tags": ["table:people"]})
    assert [episode.text for episode in table.space.episodes([span.episode for span in row.sources])] == [first, second, third]
    forgotten(table, second)
    assert not any("0199" in memory.text for memory in table.space.memories(limit=100, statuses=("active", "archived")))
    assert [row["phone"] for row in table.rows("people")] in ([], [None])
    assert table.space.verify().ok
    table = people(first, third)
    forgotten(table, third)
    assert "Porto" not in str(table.rows("people"))


def test_a_row_rests_on_as_many_messages_as_it_has_columns_however_often_it_changes() -> None:
    table = people("A new Bob of Faro.", *(f"Bob moved to Town{number}." for number in range(40)))
    (row,) = table.space.memories({"tags": ["table:people"]})
    assert len(row.sources) == 2
    assert row.version == 41


def test_the_number_of_an_erased_row_is_given_again() -> None:
    table = shop()
    table.tell("We bought 50 kg apples at 2.")
    forgotten(table, "We bought 50 kg apples at 2.")
    chain = table.tell("We bought 7 kg pears at 3.")
    assert chain.error == ""
    assert [(row["purchase_id"], row["fruit"]) for row in table.rows("purchases")] == [(1, "pears")]
    assert one(table, "SELECT kg FROM stock") == 7


def test_rows_stay_when_the_space_changes_its_recipe(tmp_path: Path) -> None:
    for recipe in ("chatdb", "engram", "chatdb"):
        with mneme.Memory(tmp_path, embedder="hash:64", recipe=recipe, background=False) as memory:
            space = memory.space("shop")
            table = SymbolicMemory(space, SHOP, intents=INTENTS)
            space.drain()
            if not table.rows("stock"):
                sold_and_returned(table)
            assert (one(table, "SELECT kg FROM stock"), one(table, "SELECT sum(kg * price) FROM sales")) == (35, 45)
            assert space.verify().ok


def test_messages_are_read_only_where_a_statement_names_them() -> None:
    table = shop()
    table.tell("We bought 50 kg apples at 2.")
    asked: list[str] = []
    read = table._messages
    table._messages = lambda: asked.append("messages") or read()  # type: ignore[method-assign, func-returns-value]
    assert one(table, "SELECT kg FROM stock") == 50
    assert asked == []
    assert one(table, "SELECT count(*) FROM MESSAGES") == 1
    assert asked == ["messages"]
    table = SymbolicMemory(table.space, SHOP + "CREATE VIEW told AS SELECT text FROM messages;")
    assert one(table, "SELECT text FROM told") == "We bought 50 kg apples at 2."


def test_what_formers_read_can_be_queried_and_not_changed() -> None:
    table = shop()
    table.space.remember("I live in Porto.", author="Ana")
    assert table.select("SELECT object FROM statements WHERE subject = 'Ana' AND relation = 'lives_in'").rows == (("Porto",),)
    assert one(table, "SELECT count(*) FROM messages WHERE author = 'Ana'") == 1
    with pytest.raises(InvalidInput, match="changes rows"):
        table.select("INSERT INTO stock VALUES ('figs', 1)")


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE '/tmp/x.db' AS x",
        "PRAGMA writable_schema = 1",
        "DROP TABLE stock",
        "CREATE TABLE more (a)",
        "ALTER TABLE stock ADD b",
        "DELETE FROM statements",
        "INSERT INTO messages VALUES (1, 2, 3, 4)",
        "SELECT sql FROM sqlite_master",
        "VACUUM INTO '/tmp/x.db'",
        "SELECT load_extension('x')",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "CREATE TEMP TRIGGER t AFTER INSERT ON stock BEGIN DELETE FROM sales; END",
    ],
)
def test_sql_reaches_nothing_but_rows(sql: str) -> None:
    table = shop()
    with pytest.raises((Refused, InvalidInput)):
        table.select(sql)
    failed = table.surface.call("run_sql", {"statement": sql})
    assert failed.failed
    assert failed.text.startswith("Error: ")


def test_two_statements_at_once_endless_work_and_giant_values_are_errors() -> None:
    table = shop()
    for sql, why in (
        ("SELECT 1; DELETE FROM stock", "one statement"),
        ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", "steps"),
        ("SELECT replace(printf('%.*c', 900000, 'x'), 'x', 'yyyyyyy')", "too big"),
        ("INSERT INTO stock VALUES (x'00ff', 1)", "bytes"),
    ):
        with pytest.raises(InvalidInput, match=why):
            table.select(sql)
    assert len(table.select("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT i FROM n").rows) == 1000


def test_tools_run_sql_with_a_source_and_describe_the_tables() -> None:
    table = shop()
    assert "CREATE TABLE stock" in table.surface.call("describe_tables", {}).text
    assert (
        "1 rows changed"
        in table.surface.call("run_sql", {"statement": "INSERT INTO stock VALUES ('figs', 4)", "why": "4 kg figs came in"}).text
    )
    assert table.surface.call("run_sql", {"statement": "SELECT kg FROM stock"}).text == "1. kg=4.0"
    assert "4 kg figs came in" in [episode.text for episode in table.space.episodes()]
    assert table.surface.call("run_sql", {"statement": "S" * 30_000}).failed


def test_a_schema_stays_with_the_space_and_a_bad_one_is_refused() -> None:
    table = shop()
    sold_and_returned(table)
    wider = SymbolicMemory(table.space, SHOP.replace("customer TEXT", "customer TEXT, note TEXT"))
    assert wider.rows("sales")[0]["note"] is None
    assert "note" in SymbolicMemory(table.space).schema
    for schema in (
        "CREATE TABLE",
        "DROP TABLE x",
        "CREATE TABLE statements (a)",
        "ATTACH 'x' AS y",
        "CREATE TABLE a (b PRIMARY KEY) WITHOUT ROWID",
    ):
        with pytest.raises(InvalidInput, match="schema"):
            SymbolicMemory(table.space, schema)
    with pytest.raises(InvalidInput, match="is missing"):
        SymbolicMemory(memory_of("chatdb", "hash:64")[0].space("empty"))


def test_a_slower_chain_runs_again_on_what_a_faster_one_left() -> None:
    others: list[SymbolicMemory] = []

    def filled(_: object) -> dict[str, object]:
        for other in others:
            other.tell("We sold 20 kg apples at 3 to Bob.")
        others.clear()
        return {"statements": ["INSERT INTO sales (fruit, kg, customer) SELECT fruit, 10, 'Eve' FROM stock WHERE kg >= 10"]}

    steps = plan("INSERT INTO sales (fruit, kg, customer) VALUES (<whichever>, 10, 'Eve')", "UPDATE stock SET kg = kg - 10")
    table = shop({"chatdb.plan": steps, "chatdb.fill": filled, "chatdb.answer": {"text": "ok"}, "form.statements": {"items": []}})
    by_rule = SymbolicMemory(table.space, intents=INTENTS)
    by_rule.tell("We bought 50 kg apples at 2.")
    others.append(by_rule)
    assert table.tell("Eve takes 10 kg.").error == ""
    assert one(table, "SELECT kg FROM stock") == 20
    assert [(row["sale_id"], row["customer"]) for row in table.rows("sales")] == [(1, "Bob"), (2, "Eve")]


def test_rows_at_an_earlier_moment_are_what_recall_knew_then() -> None:
    memory, clock = memory_of("chatdb", "hash:64")
    table = SymbolicMemory(memory.space("shop"), SHOP, intents=INTENTS)
    table.tell("We bought 50 kg apples at 2.")
    clock.set(START.replace(month=2))
    table.tell("We sold 20 kg apples at 3 to Bob.")
    then = table.space.recall("stock of apples", k=20, known_at=START, kinds=["fact"])
    assert "stock 1: fruit apples, kg 50.0" in [hit.text for hit in then.hits]
    assert isinstance(then, mneme.Recall)


def test_what_a_recall_finds_does_not_add_up_where_the_tables_do() -> None:
    table = shop()
    table.tell("We bought 500 kg apples at 2.")
    for number in range(40):
        table.tell(f"We sold {1 + number % 5} kg apples at 3 to Bob.")
    exact = sum(3 * (1 + number % 5) for number in range(40))
    assert one(table, "SELECT sum(kg * price) FROM sales") == exact
    found = table.space.recall("How much did we earn with apples sold to Bob in all?", k=20, kinds=["turn"])
    sold = [int(hit.text.split(" kg")[0].split()[-1]) for hit in found.hits if "sold" in hit.text]
    assert 3 * sum(sold) != exact


def test_a_chain_that_was_undone_leaves_its_numbers_free_for_the_next_one() -> None:
    table = shop()
    taken_back = table.tell("We bought 50 kg apples at 2.")
    table.space.undo(entry=taken_back.entry)
    assert (table.rows("stock"), table.rows("purchases")) == ([], [])
    for kg in (30, 12):
        chain = table.tell(f"We bought {kg} kg pears at 3.")
        assert (chain.error, chain.changed) == ("", 2)
    assert one(table, "SELECT kg FROM stock") == 42
    table.space.undo(entry=chain.entry)
    assert table.rows("purchases") == [{"purchase_id": 1, "fruit": "pears", "kg": 30, "price": 3}]
