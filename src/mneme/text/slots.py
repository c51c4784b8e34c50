"""Questions that ask for one relation of one subject: "Where does Ana live?" asks for ``lives_in`` of Ana.

The counterpart of the rules that read statements: common English forms, and nothing where a question is put another way or asks for a
time, a reason or a manner.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

THE_USER = "The user"
"""The subject of statements in the first person by nobody named."""

_DO = r"(?:do|does)"
_BE = r"(?: is| are| am|'s|’s)"
_S = r"(?P<s>i|[\w.'’-]+(?: [\w.'’-]+){0,2}?)"
_OF = r"(?P<s>my|[\w.-]+(?: [\w.-]+){0,2}?)(?:['’]s|['’])?"
_NOW = r"(?: now| currently| today| these days| at the moment| right now| at present)?"
_FORMS: tuple[tuple[str, str], ...] = (
    (r"where {do} {s}{now} live{now}|(?:which|what) (?:city|town|country|place|village) {do} {s}{now} live in{now}"
     r"|where {be} {s} (?:living|based){now}", "lives_in"),
    (r"where {do} {s}{now} work{now}|(?:which|what) (?:company|firm|employer|organi[sz]ation) {do} {s}{now} work (?:for|at){now}"
     r"|who {do} {s}{now} work for{now}|who {be} {of} employer", "works_at"),
    (r"what {be} {of} (?:current )?(?:job|profession|occupation|work)|what {do} {s} (?:do|work as)(?: for (?:a living|work))?{now}", "job"),
    (r"what {be} {of} diet|(?:which|what)(?: kind of| sort of)? diet {do} {s} (?:follow|have|keep)|how {do} {s} eat\b.*", "diet"),
    (r"(?:what|which) {do} {s} speak|(?:what|which) languages? (?:do|does|can) {s} speak", "speaks"),
    (r"what {do} {s} play|(?:what|which) (?:\w+ ){{1,3}}(?:do|does|can) {s} play", "plays"),
    (r"what {do} {s} own|(?:what|which) things {do} {s} own", "owns"),
    (r"(?:what|which) (?:car|vehicle) {do} {s} drive|what {do} {s} drive", "drives"),
    (r"what {do} {s}(?: really)? (?:like|love|enjoy)(?: doing| to do)?{now}", "likes"),
    (r"what (?:do|does) {s} (?:dislike|hate)|what (?:doesn['’]t|don['’]t) {s} like", "dislikes"),
    (r"what {be} {s} allergic to|(?:what|which) allergies {do} {s} have", "allergic_to"),
    (r"who {be} {s} married to|who {be} {of} (?:wife|husband|spouse)", "married_to"),
    (r"who {be} {s} engaged to|who {be} {of} fianc[eé]e?", "engaged_to"),
    (r"who {be} {s} dating|who {be} {of} (?:girlfriend|boyfriend)", "dating"),
    (r"where (?:was|were) {s} born", "born_in"),
    (r"where {be} {s} from|where {do} {s} come from", "from"),
    (r"where did {s} grow up", "grew_up_in"),
    (r"when {be} {of} birthday", "birthday"),
    (r"how old {be} {s}{now}|what {be} {of} age", "age"),
    (r"what {be} {of} e-?mail(?: address)?", "email"),
    (r"what {be} {of} (?:phone|telephone)(?: number)?", "phone"),
    (r"who {be} {of} (?:boss|manager)", "boss"),
    (r"what {do} {s} study{now}", "studies"),
    (r"where {do} {s} study{now}|(?:which|what) (?:school|college|university) {do} {s} (?:go to|attend|study at){now}", "studies_at"),
    (r"what pets? {do} {s} have", "pet"),
)  # fmt: skip
_FAVOURITE = (
    r"(?:what|which|who) {be} {of} favou?rite (?P<what>[\w -]{{2,40}}?)"
    r"|(?:what|which) (?P<what2>[\w ]{{2,30}}?) {do} {s} (?:like|love) (?:best|most)"
)
_NOBODY = frozenset("he she they it we you the a an this that there his her their its our your who what which".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What a question asks for.

    Args:
        subject: of whom, as written; ``"The user"`` for the asker.
        relation: of :mod:`mneme.text.relations`.
    """

    subject: str
    relation: str


def asked_slot(question: str) -> Slot | None:
    """Return the relation and the subject that a question asks for; None when it is put another way.

    >>> asked_slot("Where does Ana live now?")
    Slot(subject='Ana', relation='lives_in')
    >>> asked_slot("What's my favourite colour?")
    Slot(subject='The user', relation='favourite_colour')
    >>> asked_slot("Why does Ana live there?") is None
    True
    """
    text = " ".join(question.split()).rstrip(" ?!.")
    for pattern, relation in _PATTERNS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        groups = match.groupdict()
        subject = next(value for name, value in groups.items() if name.startswith("s") and value)
        if subject.casefold() in ("i", "my"):
            subject = THE_USER
        elif subject.casefold() in _NOBODY or subject.split()[0].casefold() in _NOBODY:
            return None
        what = next((value for name, value in groups.items() if name.startswith("what") and value), "")
        return Slot(subject=subject, relation=relation or _favourite(what))
    return None


def _favourite(what: str) -> str:
    return "favourite_" + re.sub(r"\W+", "_", what.casefold().strip()).replace("color", "colour")


def _compiled(form: str) -> re.Pattern[str]:
    """Return a form with its parts filled in; each alternative names its subject anew."""
    filled = form.replace(" {be}", "{be}").format(do=_DO, be=_BE, now=_NOW, s=_S, of=_OF)
    for number in range(filled.count("(?P<s>")):
        filled = filled.replace("(?P<s>", f"(?P<s{number}>", 1)
    return re.compile(filled, re.IGNORECASE)


_PATTERNS = tuple((_compiled(form), relation) for form, relation in (*_FORMS, (_FAVOURITE, "")))
