"""Reads statements out of a turn by rule: who, which relation, what, whether it is denied, and when it holds.

Common English forms in the first and third person. What it can't read for certain it leaves out: questions, wishes, conditions,
hearsay without a source, pronouns with more than one possible person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from mneme.formation import patterns as pat
from mneme.formation.attributes import attributes
from mneme.formation.clauses import Clause, clauses
from mneme.formation.patterns import Row
from mneme.formation.statement import Statement, validity
from mneme.text.names import canonical_name
from mneme.text.relations import relation

_ADVERB = (
    r"(?:just|also|really|actually|recently|finally|still|currently|now|always|already|even|both|absolutely|only|usually|often|sometimes|generally|officially|happily"
    r"|proudly|totally|truly|mainly|mostly|definitely"
    r"|certainly|simply|kind\s+of|sort\s+of|all|once|since|long"
    r"|ever|eventually|originally|secretly|regularly|too|myself|herself|himself|so|quite|very)"
)
_AUX = re.compile(
    rf"(?:\s+{_ADVERB}\b|(?P<be>['’](?:m|re)\b|['’]s\b(?!\s+(?:been|got|lived|worked|moved|started|always))|\s+(?:am|is|are)\b)|(?P<was>\s+(?:was|were)\b)"
    r"|(?P<perfect>['’](?:ve|s)\b|\s+(?:have|has)\b)|(?P<had>\s+had\b|['’]d\b)|(?P<will>['’]ll\b|\s+(?:will|shall)\b)|(?P<do>\s+(?:do|does|did)\b)"
    r"|(?P<used>\s+used\s+to\b)"
    r"|(?P<neg>\s+(?:not|never)\b|n['’]t\b|\s+no\s+longer\b|\s+neither\b)"
    r"|(?P<negated>\s+(?:(?P<nbe>am\s+not|isn['’]t|aren['’]t|ain['’]t)|(?P<nwas>wasn['’]t|weren['’]t)|(?P<ndo>don['’]t|doesn['’]t|didn['’]t)"
    r"|(?P<nhave>haven['’]t|hasn['’]t)|(?P<nhad>hadn['’]t)|(?P<nwill>won['’]t))\b))*"
)
_PRESENT = re.compile(
    r"(?:live|work|speak|play|drive|own|love|like|enjoy|hate|adore|dislike|detest|eat|drink|plan|intend|come|hail|keep|follow|reside)(?P<third>s)?\b"
)
# What a liking is of only in its conversation ("I love how you ..."), or a deed that says little ("I love being ...").
_VAGUE_LIKES = re.compile(
    r"(?:you|your|his|her|their|its|our|us|the (?:idea|way|fact|thought|sound)"
    r"|(?:this|that|these|those|being|having|getting|seeing|knowing|hearing|doing|trying|letting|feeling|spending|making sure)\b"
    r"|.*\b(?:them|it|you|your|him|these|those|are|is|was|were)\b)"
)
_GAP = re.compile(r"(?<!\s)\s{4,}+|(?<!\s)(?:[ \t]*+\n){2,}+")
_NOT_PROSE = re.compile(r"\S{160}")
_GOT = re.compile(r"got\s+(?=(?:a|an|one|two|three|four|five|some|\d+)\s)")
_BLANK_START = re.compile(r"[\s,]*")
_ENDED = re.compile(r"\b(?:no\s+longer|any\s?more|not\s+any\s+longer)\b")
_AUTHOR_POSSESSIVE = re.compile(r"^(?:my|our|his|her|their)\s+", re.IGNORECASE)
_PARTS = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s+&\s+")
_EMPTY_OBJECTS = frozenset(
    "it that this them you him her me us one ones things thing stuff everything nothing something anything people someone everyone way"
    " lot time times day place idea part much more mine yours both all some any others other same"
    " too very so here there home few lots couple a the an".split()
)


def read(text: str, author: str, at: datetime, known: Sequence[str] = ()) -> list[Statement]:
    """What a turn states, in reading order; empty when it states nothing that the rules can read.

    Args:
        text: the turn.
        author: who said it; "I" and "we" are them.
        at: when it was said; aware. Expressions of time are resolved against it.
        known: names of the people here, so that "Mel" becomes "Melanie".

    Example:
        >>> from datetime import datetime, timezone
        >>> said = datetime(2023, 5, 8, tzinfo=timezone.utc)
        >>> [found] = read("I moved to Lisbon last March.", "Ana", said)
        >>> found.subject, found.relation, found.object, found.valid_from.date().isoformat()
        ('Ana', 'moved_to', 'Lisbon', '2023-03-01')
    """
    found: dict[tuple[str, str, str, bool], Statement] = {}
    for offset, block in _blocks(text):
        of_clauses = [item for clause in clauses(block, author, at, known) for item in _of_clause(clause, author, at, known)]
        for item in (*of_clauses, *attributes(block, author, at, known)):
            moved = replace(item, span_start=item.span_start + offset, span_end=item.span_end + offset) if offset else item
            found.setdefault(_key(moved), moved)
    return sorted(found.values(), key=lambda statement: statement.span_start)


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Paragraphs with where they begin; wide gaps separate, and what is not prose (very long words) is left out."""
    begin = 0
    for gap in (*_GAP.finditer(text), None):
        end = gap.start() if gap else len(text)
        block = text[begin:end]
        if block and not _NOT_PROSE.search(block):
            yield begin, block
        if gap:
            begin = gap.end()


def _key(statement: Statement) -> tuple[str, str, str, bool]:
    return statement.subject, statement.relation, statement.object.casefold(), statement.polarity


def _of_clause(clause: Clause, author: str, at: datetime, known: Sequence[str]) -> Iterator[Statement]:
    if clause.named and not clause.doubtful:
        yield from _of_kin(clause, author, at)
    aux = _AUX.match(clause.text, clause.body)
    end = aux.end() if aux else clause.body
    begin = _BLANK_START.match(clause.text, end).end()  # type: ignore[union-attr]
    state = _auxiliary(aux)
    if state.get("perfect") and (got := _GOT.match(clause.text, begin)):
        begin = got.end()  # "I've got" is "I have"
    stated: set[str] = set()
    if not (aux and aux["do"]) and not _agrees(clause, begin, author):
        return
    for rows, negative, past in _candidates(state, clause, begin):
        for row in rows:
            if row.relation in stated:
                continue
            match = row.pattern.match(clause.text, begin)
            if match is None:
                continue
            if clause.doubtful and not (row.relation == "plans_to" and _firm_plan(clause)):
                return
            made = list(_made(clause, row, match, negative, past, at, author, known))
            yield from made
            if made:
                stated.add(row.relation)
        if stated:
            return


def _agrees(clause: Clause, begin: int, author: str) -> bool:
    """Whether a verb in the present fits a third person; "Sounds like fun" is not about somebody called Sounds."""
    verb = _PRESENT.match(clause.text, begin)
    if verb is None:
        return True
    first_person = re.match(r"\W*(?:[Ii]|[Ww]e)\b", clause.text) is not None
    return first_person or clause.subject in (author, clause.claimed_by) or verb["third"] is not None


def _firm_plan(clause: Clause) -> bool:
    return re.search(r"\b(?:plan(?:s|ning)?|decided|going\s+to|intends?|intending)\b", clause.text) is not None and not re.search(
        r"\b(?:would|could|might|may|maybe|perhaps|possibly|probably|thinking|thought|consider|considering|hop(?:e|ing)|wants?|almost|nearly|wonder(?:ing)?)\b",
        clause.text,
    )


def _auxiliary(aux: re.Match[str] | None) -> dict[str, bool]:
    if aux is None:
        return {}
    groups = aux.groupdict()
    state = {name: bool(groups[name]) for name in ("be", "was", "perfect", "had", "will", "do", "used")}
    state["be"] |= bool(groups["nbe"])
    state["was"] |= bool(groups["nwas"])
    state["do"] |= bool(groups["ndo"])
    state["perfect"] |= bool(groups["nhave"])
    state["will"] |= bool(groups["nwill"])
    state["had"] |= bool(groups["nhad"])
    state["negative"] = bool(groups["neg"] or groups["negated"])
    return state


def _candidates(state: dict[str, bool], clause: Clause, begin: int) -> Iterator[tuple[tuple[Row, ...], bool, bool]]:
    """Groups of rows to try, each with whether it is denied and whether it lies in the past."""
    negative = state.get("negative", False)
    ahead = any(time.upper > time.lower and time.kind in ("point", "range") for time in clause.times)
    if state.get("will"):
        if ahead or re.match(r"(?:be\s+)?(?:start|mov|attend|visit|fly|return|graduat|retir|travel)", clause.text[begin:]):
            yield (Row(pat.WILL, "plans_to", "plan"),), negative, False
    elif state.get("used"):
        yield tuple(row for row in pat.VERB_ROWS if row.tense in ("state", "past")), False, True
        yield tuple(Row(row.pattern, row.relation, "past") for row in _USED_BE), False, True
        yield pat.HAVE_ROWS[:3] + pat.HAVE_ROWS[5:6], False, True
    elif state.get("was"):
        yield pat.WAS_ROWS, negative, True
        yield tuple(row for row in pat.VERB_ROWS if "was" in row.pattern.pattern[:60]), negative, False
    elif state.get("be"):
        yield pat.IS_ROWS, negative, False
        yield pat.PERFECT_ROWS, negative, False  # "she's been", "he's lived"
        if ahead:
            yield (Row(pat.PROGRESSIVE, "plans_to", "plan"),), negative, False
    elif state.get("perfect"):
        yield pat.PERFECT_ROWS, negative, False
        yield pat.HAVE_ROWS + pat.HAVE_JOB, negative, False
        if not negative:
            yield (
                tuple(
                    row
                    for row in pat.VERB_ROWS
                    if row.tense in ("event", "plan") or row.relation in ("diet", "marital_status", "married_to", "age")
                ),
                False,
                False,
            )
    elif state.get("had"):
        yield pat.HAD_ROWS, negative, False
    else:
        yield pat.VERB_ROWS, negative, False
        if state.get("do"):
            yield pat.DO_ROWS + _HAVE_AFTER_DO, negative, False


_USED_BE = tuple(Row(re.compile(rf"be\s+(?:{row.pattern.pattern})"), row.relation, "past", row.fixed, row.many) for row in pat.IS_ROWS)


# "don't have any allergies", "doesn't have a car": the noun may stand with "any".
_HAVE_AFTER_DO = tuple(
    Row(re.compile(rf"have\s+{row.pattern.pattern.replace('(?:a|an)', '(?:a|an|any)', 1)}"), row.relation, row.tense)
    for row in pat.HAVE_ROWS
)


def _made(
    clause: Clause, row: Row, match: re.Match[str], negative: bool, past: bool, at: datetime, author: str, known: Sequence[str]
) -> Iterator[Statement]:
    groups = match.groupdict()
    raw = row.fixed or groups.get("o") or ""
    if row.relation == "plans_to" and not _ahead(clause, at):
        return
    after = clause.text[match.end() : match.end() + 40]
    if re.match(r"\s+or\b", after) or re.search(r"\bor\b", raw):
        return  # a choice is not a statement
    tense = "past" if past and row.tense == "state" and row.relation not in ("born_in", "grew_up_in", "works_at") else row.tense
    if past and row.relation == "works_at" and "hired" not in match[0]:
        tense = "past"
    ended = negative and _ENDED.search(clause.text) is not None
    for part in _objects(raw, row, groups):
        value = _cleaned(part, row)
        if value is None:
            continue
        if row.relation in ("met", "married_to", "dating", "friend", "engaged_to", "divorced"):
            value = canonical_name(value, known) or value
        made = _statement(clause, row.relation, value, not negative, "state" if ended else tense, at, author, match.end())
        yield replace(made, ended=ended)
    if called := groups.get("called"):
        target = (
            "child" if row.relation == "adopted" and re.search(pat._CHILDREN, raw) else "pet" if row.relation == "adopted" else row.relation
        )
        for name in _PARTS.split(called):
            yield _statement(clause, target, name, not negative, tense if tense != "event" else "state", at, author, match.end())


def _ahead(clause: Clause, at: datetime) -> bool:
    """Whether nothing in the clause says that the plan lay in the past."""
    return not any(time.upper <= at and time.kind in ("point", "range") for time in clause.times)


def _objects(raw: str, row: Row, groups: dict[str, str | None]) -> list[str]:
    if not row.many:
        return [raw]
    raw = re.sub(r"^both\s+", "", raw)
    parts = [part for part in _PARTS.split(raw) if part.strip()]
    if re.match(r"[a-z]+ing\s+\w+\s+\w", raw):
        return [raw] if len(parts) == 1 else []  # a deed with objects of its own: where it ends can't be told
    if all(len(part.split()) <= 3 for part in parts):
        return parts
    return parts[:1] if len(parts[0].split()) <= 6 else []


def _cleaned(raw: str, row: Row) -> str | None:
    value = re.sub(r"\s+", " ", raw).strip(" \t,.;:!–—-")
    if value[:1] in "\"“‘'" and value[-1:] in "\"”’'":
        value = value[1:-1]
    value = _AUTHOR_POSSESSIVE.sub("", value)
    value = re.sub(
        r"\s+(?:a\s+lot|so\s+much|very\s+much|the\s+most|as\s+well|too|though|coming\s+up|these\s+days|right\s+now|anymore|any\s+more|and|the|in|on|of|at)$",
        "",
        value,
    )
    if row.relation == "speaks":
        value = re.sub(r"^(?:fluent|some|good|basic|a little|a bit of|conversational|decent)\s+", "", value)
    low = value.lower()
    bare = re.sub(r"^(?:a|an|the)\s+", "", low)
    if not value or bare in _EMPTY_OBJECTS or len(value.split()) > 12 or re.match(r"(?:how|that|when|what|it|to be|being able)\b", low):
        return None
    if row.relation in ("likes", "dislikes") and _VAGUE_LIKES.match(low):
        return None
    return value


def _statement(clause: Clause, name: str, value: str, polarity: bool, tense: str, at: datetime, author: str, end: int) -> Statement:
    kind = relation(name).kind
    begin, until, precision, rule = validity(clause.times, tense, at)
    stop = max([clause.start + min(end, len(clause.text)), *(time.end for time in clause.times)])
    start = min([clause.start, clause.cited, *(time.start for time in clause.times)])
    lead = len(clause.whole) - len(clause.whole.lstrip(" ,"))
    claimant = clause.claimed_by or author
    return Statement(
        subject=clause.subject,
        relation=name,
        object=value,
        polarity=polarity,
        ended=False,
        modality="planned" if kind == "foresight" else "reported" if claimant != author else "asserted",
        claimed_by=claimant,
        valid_from=begin,
        valid_to=until,
        precision=precision,
        recurring=rule,
        kind=kind,
        span_start=start + (lead if start == clause.start else 0),
        span_end=stop,
    )


def _of_kin(clause: Clause, author: str, at: datetime) -> Iterator[Statement]:
    """Who the sister is, in "my sister Ana lives in Berlin"."""
    assert clause.named is not None
    kin, name = clause.named
    word = kin.split()[-1]
    target = pat.KIN_RELATION.get(word)
    if target is None or "late" in kin.split():
        return
    speaker = clause.claimed_by if clause.claimed_by and clause.subject == clause.claimed_by else author
    made = _statement(clause, target, name, True, "state", at, author, clause.body)
    yield replace(made, subject=speaker, valid_from=at, valid_to=None, precision=None, recurring=None)
