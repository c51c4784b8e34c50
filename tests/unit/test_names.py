from __future__ import annotations

import pytest

from mneme.text.names import canonical_name, mentions, persons_asked_about

PEOPLE = ["Melanie", "Caroline", "Joanna", "Robert"]


def named(text: str, known: list[str] | None = None) -> list[str]:
    return [found.canonical for found in mentions(text, known if known is not None else PEOPLE) if found.kind in ("person", "name")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hey Mel! Have you been to New York City?", ["Melanie", "New York City"]),
        ("I moved from Lisbon to Sao Paulo with Pedro.", ["Lisbon", "Sao Paulo", "Pedro"]),
        ("Thanks, Caroline! That's awesome. I love Harry Potter.", ["Caroline", "Harry Potter"]),
        ("We watched The Lord of the Rings with Bob.", ["The Lord of the Rings", "Robert"]),
        ("Running is great. Yesterday was Tuesday in May.", []),
        ("Wow, OMG! Absolutely. I'm so proud.", []),
        ("Ana's brother works at Siemens.", ["Ana", "Siemens"]),
        ("Luis told me about the University of Oxford.", ["Luis", "University of Oxford"]),
        ("no capitals here at all", []),
        ("Jo and I met in Berlin", ["Joanna", "Berlin"]),
    ],
)
def test_proper_names_are_found_and_sentence_capitals_are_not(text: str, names: list[str]) -> None:
    assert named(text) == names


@pytest.mark.parametrize(
    ("short", "known", "full"),
    [
        ("Mel", ["Melanie", "Caroline"], "Melanie"),
        ("Jo", ["Joanna", "John"], None),
        ("Bob", ["Robert"], "Robert"),
        ("Debbie", ["Deborah"], "Deborah"),
        ("Jonny", ["Jon"], "Jon"),
        ("Kate", ["Catherine"], "Catherine"),
        ("Smith", ["Anna Smith"], "Anna Smith"),
        ("Anna", ["Anna Smith", "Anna Jones"], None),
        ("melanie", ["Melanie"], "Melanie"),
        ("Max", ["Melanie"], None),
    ],
)
def test_short_forms_resolve_only_when_one_person_fits(short: str, known: list[str], full: str | None) -> None:
    assert canonical_name(short, known) == full


@pytest.mark.parametrize(
    ("text", "value", "unit", "kind"),
    [
        ("I ran 5 km", 5.0, "km", "quantity"),
        ("It cost $1,250.50", 1250.5, "$", "quantity"),
        ("we have twenty-three chickens", 23.0, "chickens", "quantity"),
        ("about 3 million people", 3e6, "people", "quantity"),
        ("I finished 3rd", 3.0, "", "ordinal"),
        ("up 40%", 40.0, "%", "quantity"),
        ("room 12", 12.0, "", "number"),
        ("the fourth time", 4.0, "", "ordinal"),
    ],
)
def test_numbers_have_their_value_and_unit(text: str, value: float, unit: str, kind: str) -> None:
    [found] = [found for found in mentions(text) if found.value is not None]
    assert (found.value, found.unit, found.kind) == (value, unit, kind)


def test_addresses_are_found_whole() -> None:
    found = mentions("Write to ana.b@mail.example.org or call +49 30 123456, see https://example.org/a.")
    assert [(item.kind, item.text) for item in found] == [
        ("email", "ana.b@mail.example.org"),
        ("phone", "+49 30 123456"),
        ("url", "https://example.org/a"),
    ]


def test_spans_hold_the_written_text() -> None:
    text = "Mel's 3 kids met Dr. Anna Smith-Jones at Café Éclair for €20."
    assert all(text[item.start : item.end] == item.text for item in mentions(text, PEOPLE))


@pytest.mark.parametrize(
    ("question", "people"),
    [
        ("What did Mel and her kids make?", ("Melanie",)),
        ("Where do Caroline and Melanie live?", ("Caroline", "Melanie")),
        ("What is my favourite colour?", ("Joanna",)),
        ("What is the weather?", ()),
    ],
)
def test_questions_name_the_people_they_are_about(question: str, people: tuple[str, ...]) -> None:
    assert persons_asked_about(question, PEOPLE, asker="Joanna") == people


def test_names_without_capitals_are_found_when_known() -> None:
    assert [found.canonical for found in mentions("昨天王小明去了公园", ["王小明"])] == ["王小明"]
