"""Who and what a text names: proper names, short forms of known ones, numbers and quantities.

English and other languages in Latin letters that write common nouns small. In other scripts only known names are found.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mneme.text.sentences import sentence_spans
from mneme.text.stopwords import stopwords

MentionKind = Literal["person", "name", "number", "quantity", "ordinal", "email", "phone", "url"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One named thing or amount in a text.

    Attributes:
        start: first character.
        end: the character after its last.
        text: as written, without a possessive ending.
        kind: ``person`` for a known name or a name that the text treats as a person, ``name`` for any other proper name.
        canonical: the known name it stands for, else the text itself; digits for numbers.
        value: the number of ``number``, ``quantity`` and ``ordinal``; None otherwise.
        unit: what a quantity counts, as written; empty otherwise.
    """

    start: int
    end: int
    text: str
    kind: MentionKind
    canonical: str
    value: float | None = None
    unit: str = ""


# Short forms that are not a prefix of the full name.
_SHORT_FORMS: dict[str, str] = {
    "bob": "robert", "rob": "robert", "bobby": "robert", "bill": "william", "will": "william", "billy": "william", "liz": "elizabeth",
    "beth": "elizabeth", "betty": "elizabeth", "lizzie": "elizabeth", "eliza": "elizabeth", "peggy": "margaret", "meg": "margaret",
    "maggie": "margaret", "dick": "richard", "rick": "richard", "rich": "richard", "jack": "john", "johnny": "john", "kate": "katherine",
    "katie": "katherine",
    "kathy": "katherine", "kat": "katherine", "tony": "anthony", "mike": "michael", "mick": "michael",
    "mickey": "michael", "nick": "nicholas", "sasha": "alexander", "sandy": "alexandra", "lex": "alexander", "ted": "edward",
    "ned": "edward", "ed": "edward", "eddie": "edward", "jim": "james", "jimmy": "james", "jamie": "james", "becky": "rebecca",
    "becca": "rebecca", "hank": "henry", "harry": "henry", "chuck": "charles", "charlie": "charles", "joe": "joseph", "tina": "christina",
    "peg": "margaret", "sally": "sarah", "sadie": "sarah", "molly": "mary", "polly": "mary", "nan": "anne", "annie": "anne",
    "steve": "steven", "stevie": "steven", "dave": "david", "andy": "andrew", "drew": "andrew", "larry": "laurence", "gus": "august",
    "lena": "helena", "nell": "eleanor", "ellie": "eleanor", "nora": "eleanor", "trish": "patricia", "pat": "patricia", "patty": "patricia",
    "hans": "johannes", "pepe": "josé", "paco": "francisco", "kath": "katherine", "jess": "jessica", "abby": "abigail",
    "gabby": "gabriella",
    "vicky": "victoria", "tori": "victoria", "cathy": "catherine", "cate": "catherine", "zack": "zachary", "mitch": "mitchell",
}  # fmt: skip
_SAME_NAMES = ({"katherine", "catherine", "kathryn", "katharine"}, {"steven", "stephen"}, {"anne", "anna", "ann"}, {"sarah", "sara"})

_WORD = r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w’'-]*"
_LINK = r"(?:of|de|da|di|del|la|le|van|von|der|den|el|al|bin|y|du|the|for|and|&)"
_RUN = re.compile(rf"(?<![\w@#/]){_WORD}(?:(?:\s+(?:{_LINK}\s+){{0,2}}){_WORD})*")
_NAME_LINKS = frozenset("of de da di del la le van von der den el al bin du".split())
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"\bhttps?://[^\s<>\"')]+|\bwww\.[^\s<>\"')]+")
_PHONE = re.compile(r"(?<![\w.-])\+?\(?\d{1,4}\)?(?:[\s.-]?\(?\d{2,4}\)?){2,4}(?![\w-])")
_TITLES = frozenset(
    "mr mrs ms miss dr prof professor sir madam uncle aunt auntie grandma grandpa coach captain father sister brother".split()
)
_NOT_NAMES = frozenset(
    "i i'm i've i'd i'll i’m i’ve i’d i’ll ok okay omg lol wow hey hi hello yes yeah yep no nope thanks thank congrats "
    "congratulations sorry monday tuesday wednesday thursday friday saturday sunday january february march april may june july "
    "august september october november december mon tue wed thu fri sat sun mom mum mommy dad daddy am pm tv ps diy faq asap btw "
    "fyi god gosh sir madam oh ah aw aww hmm haha hahaha cool awesome great nice good sure please wonderful amazing absolutely "
    "definitely exactly totally right true well look glad happy maybe perhaps actually really honestly anyway anyways also still "
    "even just lately recently yesterday today tomorrow tonight sometimes often usually always never however meanwhile finally next "
    "last first second once since everyone everything everybody someone something nothing nobody anything anyone one two three four "
    "five six seven eight nine ten another let let's lets what's that's it's here's there's how's who's where's he's she's they're "
    "we're you're we've you've they've don't didn't can't couldn't won't wouldn't shouldn't isn't aren't wasn't weren't haven't "
    "hasn't doesn't good luck bye goodbye wish wishing hope hoping hopefully looking sounds sounding keep take have having been "
    "being getting got love loved loving guess remember imagine speaking enjoy seeing seems feels feel looks makes making working "
    "trying learning going gonna gotta wanna need want tell ask call see say think know come go get give make try use find put "
    "watch read write play run plus unfortunately luckily fortunately apparently obviously basically besides although though unless "
    "whether either neither both many much most several few every each any all whatever whenever wherever whoever same such instead "
    "indeed otherwise therefore thus hence then there here welcome merry hurray yay hooray dear best kind regards cheers".split()
)
_PERSON_AFTER = re.compile(
    r"(?:\s+(?:said|says|told|asked|thinks|thought|loves|likes|hates|wants|went|called|invited|gave|got|moved|lives|works|plays"
    r"|and\s+(?:I|me)\b))"
)
_ACTS = re.compile(
    r"['’]s\s+(?:brother|sister|mom|mum|mother|dad|father|wife|husband|son|daughter|kids|birthday|house|dog|cat|job|party)|\s+(?:said|says|told|is\s+(?:my|a|an|the|from)|was\s+(?:my|born)|lives|works|loves|likes|moved|and\s+I\b)"
)
_PERSON_BEFORE = re.compile(
    r"\b(?:with|met|told|asked|called|named|and|my\s+\w+|brother|sister|friend|mother|father|son|daughter|wife|husband|cousin|boss|mom|dad|hey|hi|thanks)\s*,?\s*$",
    re.IGNORECASE,
)
_NUMBER_WORDS = {
    word: float(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
        "nineteen".split()
    )
} | {"twenty": 20.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0, "ninety": 90.0}
_SCALES = {"hundred": 100.0, "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9, "dozen": 12.0}
_ORDINALS = {
    word: float(value + 1)
    for value, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split())
}
_TENS = "|".join(word for word, value in _NUMBER_WORDS.items() if value >= 20)
_ONES = "|".join(word for word, value in _NUMBER_WORDS.items() if 0 < value < 10)
_SPELT = rf"(?:(?:{_TENS})(?:[-\s](?:{_ONES}))?|{'|'.join(sorted(_NUMBER_WORDS, key=len, reverse=True))})"
_NUMBER = re.compile(
    rf"(?<![\w@#.])(?P<currency>[$€£¥])?\s?(?:(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)(?P<ordinal>st|nd|rd|th)?|(?P<word>{_SPELT})\b)"
    r"(?:[\s-]?(?P<scale>hundred|thousand|million|billion|dozen|k\b|bn\b|m\b))?(?P<percent>\s?%|\s+percent\b)?(?P<glued>[a-zA-Z°]{1,4}\b)?"
    r"(?:(?:\s+|-)(?P<unit>[a-zA-Z]{2,}))?",
    re.IGNORECASE,
)
_ORDINAL_WORD = re.compile(rf"\b(?:{'|'.join(_ORDINALS)})\b", re.IGNORECASE)
_NOT_UNITS = stopwords("en") | {"one", "ones", "more", "less", "people's", "am", "pm"}


def mentions(text: str, known: Sequence[str] = ()) -> list[Mention]:
    """Names, numbers and addresses in ``text``, in reading order and without overlaps.

    Args:
        text: one turn, sentence or document.
        known: names of people that are known here, for example the authors of a space. Their short forms are found too
            ("Mel" for "Melanie") when exactly one of them fits.

    Example:
        >>> [(found.canonical, found.kind) for found in mentions("Then Mel ran 5 km in Oslo.", ["Melanie"])]
        [('Melanie', 'person'), ('5', 'quantity'), ('Oslo', 'name')]
    """
    phones = [found for found in _matched(_PHONE, text, "phone") if _looks_like_phone(found.text)]
    taken: list[tuple[int, int, Mention]] = []
    for found in (
        *_matched(_EMAIL, text, "email"), *_matched(_URL, text, "url"), *phones,
        *_known_elsewhere(text, known), *_names(text, known), *_numbers(text),
    ):  # fmt: skip
        place = bisect_left(taken, (found.start,))
        before_ends = place == 0 or taken[place - 1][1] <= found.start
        if before_ends and (place == len(taken) or taken[place][0] >= found.end):
            taken.insert(place, (found.start, found.end, found))
    return [found for _, _, found in taken]


def canonical_name(name: str, known: Iterable[str]) -> str | None:
    """The one known name that ``name`` stands for: the same, its first part, or a short form of it; None when unsure.

    Example:
        >>> canonical_name("Mel", ["Melanie", "Caroline"]), canonical_name("Jo", ["Joanna", "John"])
        ('Melanie', None)
    """
    candidates = list(dict.fromkeys(known))
    folded = name.casefold().strip()
    for exact in candidates:
        if exact.casefold() == folded:
            return exact
    fitting = [full for full in candidates if _stands_for(folded, full.casefold())]
    return fitting[0] if len(fitting) == 1 else None


def persons_asked_about(question: str, known: Sequence[str], asker: str | None = None) -> tuple[str, ...]:
    """The known people that a question is about, in order of appearance, each once.

    Args:
        question: the question.
        known: names of the people of the space.
        asker: who asks; counts when the question says "I", "me" or "my".

    Example:
        >>> persons_asked_about("What did Mel and I paint?", ["Caroline", "Melanie"], asker="Caroline")
        ('Melanie', 'Caroline')
    """
    found = [(m.start, m.canonical) for m in mentions(question, known) if m.kind == "person" and m.canonical in set(known)]
    if asker is not None and (own := re.search(r"\b(?:I|me|my|mine|myself)\b|我", question)):
        found.append((own.start(), asker))
    return tuple(dict.fromkeys(name for _, name in sorted(found)))


def _stands_for(short: str, full: str) -> bool:
    parts = full.split()
    if short in parts or " ".join(parts[: len(short.split())]) == short:
        return True
    first = parts[0] if parts else ""
    if len(short) >= 2 and short != first and first.startswith(short):
        return True
    if _same(_SHORT_FORMS.get(short, short), first):
        return True
    # "Jonny" for "Jon", "Debbie" for "Deborah": the stem before a diminutive ending, its doubled consonant undone.
    for ending in ("ie", "y", "i", "s"):
        stem = short.removesuffix(ending)
        if stem != short and len(stem) >= 2:
            stem = stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem
            if len(stem) >= 3 and first.startswith(stem):
                return True
    return False


def _same(name: str, other: str) -> bool:
    return name == other or any(name in names and other in names for names in _SAME_NAMES)


def _matched(pattern: re.Pattern[str], text: str, kind: MentionKind) -> list[Mention]:
    return [
        Mention(start=found.start(), end=found.start() + len(kept), text=kept, kind=kind, canonical=kept)
        for found in pattern.finditer(text)
        if (kept := found[0].rstrip(".,;"))
    ]


def _looks_like_phone(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    dated = re.fullmatch(r"(?:19|20)\d\d[-.\s]\d{1,2}[-.\s]\d{1,2}|\d{1,2}[-.\s]\d{1,2}[-.\s](?:19|20)\d\d", text.strip())
    return 7 <= len(digits) <= 15 and not dated and not re.fullmatch(r"\d+", text)


def _known_elsewhere(text: str, known: Sequence[str]) -> list[Mention]:
    """Known names in scripts without capitals, and known names of several words."""
    return [
        Mention(start=at.start(), end=at.end(), text=at[0], kind="person", canonical=name)
        for name in known
        if name and (not name.isascii() or " " in name)
        for at in re.finditer(rf"(?<![^\W\u3000-\u9fff]){re.escape(name)}(?![^\W\u3000-\u9fff])", text)
    ]


def _names(text: str, known: Sequence[str]) -> list[Mention]:
    starts = {start + len(text[start:end]) - len(text[start:end].lstrip("\"'“‘(*-–— ")) for start, end in sentence_spans(text)}
    found: list[Mention] = []
    for run in _RUN.finditer(text):
        for start, end in _trimmed(run[0], run.start()):
            mention = _name(text, start, end, start in starts, known)
            if mention is not None:
                found.append(mention)
    return found


def _trimmed(run: str, offset: int) -> list[tuple[int, int]]:
    """The run without words that are capitalised for other reasons, and split at "and", "the" and possessives."""
    parts: list[tuple[int, int]] = []
    begin = last = -1
    for word in re.finditer(r"[^\s]+", run):
        plain = word[0].strip(",.")
        start, end = offset + word.start(), offset + word.start() + len(plain)
        low = plain.lower()
        capital = plain[:1].isupper() and low not in _NOT_NAMES
        if begin < 0:
            if capital:
                begin, last = start, end
        elif capital:
            last = end
        elif low not in _NAME_LINKS and low not in ("the", "&"):
            parts.append((begin, last))
            begin = -1
        if begin >= 0 and re.search(r"['’]s$", plain):
            parts.append((begin, last))
            begin = -1
    if begin >= 0:
        parts.append((begin, last))
    return parts


def _name(text: str, start: int, end: int, opens_sentence: bool, known: Sequence[str]) -> Mention | None:
    written = re.sub(r"(?:['’]s?|[-’'])$", "", text[start:end])
    end = start + len(written)
    words = written.split()
    if not words:
        return None
    full = canonical_name(written, known) or (canonical_name(words[0], known) if len(words) > 1 else None)
    low = words[0].lower()
    common = low in stopwords("en") or low in _NOT_NAMES
    if full is not None and not (opens_sentence and common):
        return Mention(start=start, end=end, text=written, kind="person", canonical=full)
    if len(words) == 1:
        if common or len(written) < 2 or "'" in low or "’" in low:
            return None
        if opens_sentence and not _is_name_at_start(text, written, start, end):
            return None
    person = bool(_PERSON_AFTER.match(text, end) or _PERSON_BEFORE.search(text[max(0, start - 20) : start]))
    person = person or words[0].lower().rstrip(".") in _TITLES
    return Mention(start=start, end=end, text=written, kind="person" if person else "name", canonical=written)


def _is_name_at_start(text: str, word: str, start: int, end: int) -> bool:
    """Whether the capital of a sentence's first word is a name's: the word occurs capitalised later, or acts like a person."""
    if re.search(rf"(?<=[a-z,] ){re.escape(word)}\b", text):
        return True
    if word.lower().endswith(("ing", "ly", "ed")):
        return False
    return _ACTS.match(text, end) is not None


def _numbers(text: str) -> list[Mention]:
    found: list[Mention] = []
    for at in _NUMBER.finditer(text):
        digits, word = at["digits"], at["word"]
        if word and word.lower() in ("one", "zero") and not at["scale"]:
            continue  # nearly always a pronoun
        value = float(digits.replace(",", "")) if digits else _spelt(word)
        value *= _SCALES[at["scale"].lower()] if at["scale"] and at["scale"].lower() in _SCALES else 1.0
        unit = at["currency"] or (at["percent"] or "").strip() or at["glued"] or at["unit"] or ""
        kind: MentionKind = "ordinal" if at["ordinal"] else "quantity" if unit and unit.lower() not in _NOT_UNITS else "number"
        last = next(group for group in ("percent", "scale", "ordinal", "digits", "word") if at[group])
        end = at.end(last)
        written = text[at.start() : end].strip()
        start = text.index(written, at.start())
        shown = f"{value:g}" if value < 1e6 else f"{value:.0f}"
        unit = unit if kind == "quantity" else ""
        found.append(Mention(start=start, end=end, text=written, kind=kind, canonical=shown, value=value, unit=unit))
    found += [
        Mention(
            start=at.start(),
            end=at.end(),
            text=at[0],
            kind="ordinal",
            canonical=f"{_ORDINALS[at[0].lower()]:g}",
            value=_ORDINALS[at[0].lower()],
        )
        for at in _ORDINAL_WORD.finditer(text)
    ]
    return found


def _spelt(word: str) -> float:
    return sum(_NUMBER_WORDS[part] for part in re.split(r"[-\s]", word.lower()))
