"""Sentences: where a text can be cut, in any script, in time linear in its length."""

from __future__ import annotations

import re

# Each start is unique (a run of marks, a line break) and every quantifier possessive: no input makes this slower than linear.
_BOUNDARY = re.compile(
    r"""(?<![.!?…])(?P<latin>[.!?…]++)["'”’»)\]*_]*+\s++   # western marks count before white space
      | (?<![。！？｡؟۔।॥።។။])[。！？｡؟۔।॥።។။]++["'”’」』》）】)\]]*+\s*+   # these need none
      | (?P<line>\n)\s*+""",
    re.VERBOSE,
)
_LAST_WORD = re.compile(r"[^\W\d_]+(?:\.[^\W\d_]+)*\.?\Z")
_LONGEST_ABBREVIATION = 12
_ABBREVIATIONS = frozenset(
    "mr mrs ms mx dr prof st sr jr rev hon gen col lt sgt capt gov sen rep pres vs etc no nos vol fig figs eq ch sec pp approx "
    "dept est inc ltd co corp bros ave blvd rd mt ft min max jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues "
    "wed thu thur thurs fri sat sun e.g i.e cf al ca viz ibid op a.m p.m u.s u.k u.n d.c ph.d m.d b.a m.a "
    "z.b d.h bzw usw ca nr str hr fr mme mlle sra srta ud uds pág núm art".split()
)
# They end a sentence as often as not; a capital letter after them decides.
_MAY_END = frozenset("etc a.m p.m u.s u.k u.n d.c ph.d m.d b.a m.a inc ltd co corp jr sr al usw".split())


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the sentences of ``text`` as ``(start, end)`` character offsets in order.

    The spans lie end to end and cover the whole text; white space belongs to the sentence before it. A line break ends a
    sentence unless the next line goes on in lower case. Abbreviations, initials and decimal points end none.

    Example:
        >>> text = "Dr. Ito paid 3.50 euros. He left! 好的。再见"
        >>> [text[start:end] for start, end in sentence_spans(text)]
        ['Dr. Ito paid 3.50 euros. ', 'He left! ', '好的。', '再见']
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        end = match.end()
        if match["latin"] is not None and not _ends(text, match.start(), match["latin"], text[match.end("latin") : end], end):
            continue
        if match["line"] is not None and _goes_on(text, match.start(), end):
            continue
        spans.append((start, end))
        start = end
    if start < len(text):
        spans.append((start, len(text)))
    return spans


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text`` without the white space round them; empty ones are left out."""
    parts = (text[start:end].strip() for start, end in sentence_spans(text))
    return [part for part in parts if part]


def _ends(text: str, mark: int, marks: str, gap: str, after: int) -> bool:
    """Say whether the marks at ``mark`` end a sentence; ``after`` is where the next one would begin."""
    following = text[after : after + 1]
    if "\n" in gap:
        return not following.islower()
    if marks in {"...", "…"}:
        return not following.islower()
    if marks != ".":
        return True
    if following.islower():
        return False
    found = _LAST_WORD.search(text[max(0, mark - _LONGEST_ABBREVIATION) : mark])
    if found is None:
        return True
    word = found[0].lower()
    if word in _MAY_END:
        return following.isupper()
    initial = len(word) == 1 and found[0].isupper() and word != "i"
    return not (word in _ABBREVIATIONS or initial)


def _goes_on(text: str, line_break: int, after: int) -> bool:
    """Say whether a line break only wraps a sentence: one break, and a lower-case letter after it."""
    return text[after : after + 1].islower() and text.count("\n", line_break, after) == 1
