"""Cuts a turn into clauses that assert something, and says who asserts them.

What is asked, imagined, wished, doubted or hearsay never becomes a clause; a quotation belongs to the one who is quoted.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mneme.text.names import canonical_name, mentions
from mneme.text.sentences import sentence_spans
from mneme.text.time_expressions import TimeMention, find_times

KIN_GENDER = {
    "wife": "f", "husband": "m", "girlfriend": "f", "boyfriend": "m", "fiancée": "f", "fiancé": "m", "sister": "f", "brother": "m",
    "mother": "f", "mom": "f", "mum": "f", "father": "m", "dad": "m", "son": "m", "daughter": "f", "aunt": "f", "uncle": "m",
    "niece": "f", "nephew": "m", "grandmother": "f", "grandma": "f", "grandfather": "m", "grandpa": "m", "partner": "", "spouse": "",
    "cousin": "", "boss": "", "manager": "", "friend": "", "colleague": "", "coworker": "", "roommate": "", "flatmate": "",
    "neighbour": "", "neighbor": "", "kid": "", "child": "", "baby": "", "twin": "", "stepson": "m", "stepdaughter": "f", "fiance": "",
    "teacher": "", "coach": "", "doctor": "", "landlord": "", "buddy": "", "mother-in-law": "f", "father-in-law": "m",
    "sister-in-law": "f", "brother-in-law": "m",
}  # fmt: skip
PET_WORDS = "dog cat puppy kitten rabbit hamster parrot turtle horse goldfish guinea pig ferret snake lizard bunny pony tortoise budgie"
_KINDS = "|".join(sorted([*KIN_GENDER, *PET_WORDS.split()], key=len, reverse=True))
KIN = (
    r"(?:(?:older|elder|younger|little|big|best|twin|new|oldest|eldest|youngest|late|old|dear|first|second|middle|only|other)\s+){0,2}"
    rf"(?:{_KINDS})"
)
CAP = r"(?:(?:St|Mt|Dr|Mr|Mrs|Ms|Ft|Prof)\.\s+)?[A-ZÀ-ÖØ-Þ][\w&-]*(?:[’'.](?=\w\w)(?!(?:s|m|re|ve|ll|d)\b)[\w&-]+)*"
NAME = rf"{CAP}(?:(?:\s+(?:&|of|de|da|do|del|la|le|van|von|der|the)){{0,2}}\s+{CAP})*"
SUBJECT = re.compile(
    rf"(?P<self>I|[Ww]e)(?=['’\s])|(?P<he>[Hh]e|[Ss]he)(?=['’\s])"
    rf"|(?P<owner>[Mm]y|[Oo]ur)\s+(?P<kin>{KIN})(?!-)\b(?:,?\s+(?P<kin_name>{CAP})(?:,(?=\s))?)?"
    rf"|(?P<other>{CAP})['’]s\s+(?P<other_kin>{KIN})\b|(?P<name>{CAP}(?:\s+{CAP}){{0,2}})"
)
VERBS = (
    "live|lives|lived|work|works|worked|study|studies|studied|speak|speaks|play|plays|played|drive|drives|have|has|had|own|owns|love|loves"
    "|like|likes|enjoy|enjoys|hate|hates|moved|started|began|quit|left|bought|sold|got|went|visited|met|adopted|joined|won|graduated|married"
    "|am|is|was|don't|doesn't|can't|read|finished|watched|eat|eats|drink|drinks|plan|plans|just|also|still|recently|currently|really|now"
)
_SPLIT = re.compile(
    r"\s*[;:]\s+|\s+[–—-]{1,2}\s+|\s*\.\.\.\s*|,?\s+(?:and|but|so|because|although|though|while|plus|yet|or|since|then)\s+(?:now\s+|then\s+|also\s+)?"
    rf"(?=(?:I|we|he|she)\b['’\s]|(?:my|our)\s+{KIN}\b)|,\s+(?=(?:I|we|he|she)\b['’\s]|(?:my|our)\s+{KIN}\b)"
    rf"|(?P<shared>,?\s+(?:and|but)\s+(?:then\s+|now\s+)?)(?=(?:{VERBS})\b)|(?P<who>,?\s+who\s+)(?=(?:{VERBS})\b)"
    r"|\s+(?:which|where|whose|when|whenever|until|before|after|as\s+soon\s+as|so\s+that|in\s+order\s+to)\s+(?=\w)"
)
_SUBORDINATE = re.compile(
    r"\s*(?:when|while|after|before|once|until|whenever|wherever|where|which|whose|since\s+(?:I|we|he|she|my)|as\s+(?:I|we|he|she|soon|long)"
    r"|although|though|even|despite|so\s+that)\b",
    re.IGNORECASE,
)
_UNREAL = re.compile(
    r"^\W*yeah,?\s+right\b(?!\s+now)|^\W*(?:had|were|should)\s+(?:i|we|he|she|they)\b|\b(?:if|unless|whether|suppos(?:e|ing)|imagin(?:e|ing)|pretend\w*|wish(?:es|ed)?|dream(?:t|ed|s|ing)?|daydream\w*|hypothetically|in\s+case"
    r"|kidding|joking|just\s+joke|lol\s+jk|what\s+would|in\s+(?:another|a\s+past|a\s+different)\s+life|in\s+the\s+(?:book|movie|film|game|show|story|novel)|character)\b",
    re.IGNORECASE,
)
_REACH = 70
"""How far before a quotation its speaker is looked for."""

_AFTERTHOUGHT = re.compile(r"\s(?:I|we)\s+(?:think|guess|suppose|believe|reckon|assume|hope|imagine|bet)\W{0,9}$", re.IGNORECASE)
"""What takes back some of what was said before it: ", I think."."""

_DOUBT = re.compile(
    r"\b(?:would|wouldn['’]t|could|couldn['’]t|might|may|should|shouldn['’]t|must|maybe|perhaps|possibly|probably|supposedly|allegedly|apparently"
    r"|thinks?|thinking|thought|believes?|guess(?:es)?|suspects?|assumes?|assumed|consider(?:s|ing|ed)?|hop(?:e|es|ing|ed)|want(?:s|ed)?|wanna|almost|nearly"
    r"|rather|heard|unsure|not\s+sure|doubts?|wonder(?:s|ing|ed)?|asked|asks|pretends?|tempted|toying|debating|potentially|likely|seems?"
    r"|looks\s+like|they\s+say|people\s+say|rumou?r\s+has|ought|offered|told\s+(?:him|her|them)|convinced|claims?\s+I)\b|(?<=\w)['’]d\b",
    re.IGNORECASE,
)
_SAYS = re.compile(
    r"\s*(?:just\s+|also\s+|recently\s+|once\s+|already\s+|even\s+)?(?:said|says|told\s+(?:me|us)|tells\s+(?:me|us)|mentioned|mentions|announced|claims|claimed"
    r"|texted\s+(?:me|us)|wrote\s+(?:me|us)|let\s+me\s+know|shared|confirmed|revealed|admitted)(?:\s+(?:to\s+me|yesterday|today))?(?:\s+that)?(?:\s*[,:])?\s*"
)
_FLUFF = re.compile(
    rf"\s*(?:(?:and|but|so|well|oh|yeah|yes|yep|yup|no|nope|hey|hi|hello|ok|okay|ah|wow|haha|lol|btw|by\s+the\s+way|actually|honestly|anyway|anyways|also|plus|then"
    r"|you\s+know|fun\s+fact|guess\s+what|to\s+be\s+honest|for\s+me|personally|luckily|unfortunately|sadly|fortunately|finally|recently|currently|right\s+now|now|today"
    r"|these\s+days|lately|i\s+mean|let\s+me\s+tell\s+you|just\s+so\s+you\s+know|did\s+i\s+mention(?:\s+that)?|as\s+you\s+know|as\s+i\s+said|good\s+news|big\s+news"
    r"|news\s+flash|update|the\s+thing\s+is|turns\s+out|it\s+turns\s+out|i\s+know(?:\s+that)?|remember(?:\s+that)?|because|since|though|in\s+fact|of\s+course|sure|thanks"
    rf"|thank\s+you|sorry|great|cool|nice|awesome|speaking\s+of\s+which|not\s+to\s+brag,?\s+but|in\s+my\s+case|at\s+the\s+moment)\b[\s,!.:–—-]*|[\"'“”‘*(,.!-]+\s*|{CAP},\s+(?=(?:I|my|we)\b))",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(r"\b(?:in|on|at|during|from|around|about|back\s+in|sometime|early|late|of|for)\s+(?:the\s+)?$", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(?:[Hh]e|[Ss]he)\b")
_ADDRESSED = re.compile(r"(?:^|\b(?:hey|hi|hello|thanks|thank\s+you|wow|yeah|congrats)|,)\s*,?\s*$", re.IGNORECASE)
_QUOTE = re.compile(r"[\"“”]([^\"“”]{2,300})[\"“”]|(?<!\w)['‘](?=\w)((?:[^'‘’\n]|(?<=\w)['’](?=\w)){2,300})['’](?!\w)")
_QUOTED_SPEECH = re.compile(r"\b(?:I|I['’]m|I['’]ve|my|me|we|our)\b")
_SAYS_BEFORE = re.compile(
    rf"(?P<who>(?:[Mm]y|[Oo]ur)\s+{KIN}(?:\s+{CAP})?|{CAP}|[Ss]he|[Hh]e|[Tt]hey|someone|everyone|people)\s+(?:\w+\s+)?"
    r"(?:said|says|told\s+\w+|replied|answered|wrote|texted(?:\s+me)?|goes|went|was\s+like|yelled|shouted|whispered|asked|mentioned|joked)[\s,:]*$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One assertion, still in words.

    Attributes:
        text: its words, with expressions of time blanked out; as long as the original, so that offsets agree.
        start: its first character in the turn.
        cited: the first character of the turn that it rests on: where its speaker or the person behind its pronoun is named.
        subject: whom it is about; empty when it has no subject that can be named.
        body: where in ``text`` its predicate begins.
        named: a name given to a relative in passing, as in "my sister Ana": (kin word, name), or None.
        claimed_by: who said it, when that is not the author of the turn.
        doubtful: whether it is only thought, hoped or wanted; such a clause yields nothing but plans.
        times: the expressions of time in it.
        whole: the turn's text between its first and last character, unblanked.
    """

    text: str
    start: int
    cited: int
    subject: str
    body: int
    named: tuple[str, str] | None
    claimed_by: str
    doubtful: bool
    times: tuple[TimeMention, ...]
    whole: str


def clauses(text: str, author: str, at: datetime, known: Sequence[str] = ()) -> Iterator[Clause]:
    """The clauses of a turn that assert something about someone who can be named.

    Args:
        text: the turn.
        author: who said it; "I" is them.
        at: when.
        known: names of people, so that short forms become full names.
    """
    times = find_times(text, at)
    blank = _blanked(text, times)
    main = blank
    for quote in _QUOTE.finditer(blank):
        inside, spoken_by = quote[1] or quote[2], _SAYS_BEFORE.search(blank[max(0, quote.start() - 70) : quote.start()])
        if not spoken_by and not _QUOTED_SPEECH.search(inside):
            continue  # a title
        main = main[: quote.start()] + " " * len(quote[0]) + main[quote.end() :]
        speaker = _quoted_speaker(spoken_by["who"], author, known) if spoken_by else None
        if speaker:
            cited = max(0, quote.start() - 70) + spoken_by.start() if spoken_by else quote.start()
            voice = _Voice(text=text, speaker=speaker, claimed_by=speaker, cited=cited, times=times, known=known)
            yield from _read_voice(voice, inside, quote.start(1) if quote[1] else quote.start(2))
    yield from _read_voice(_Voice(text=text, speaker=author, claimed_by="", cited=None, times=times, known=known), main, 0)


def asserted(text: str, at: datetime) -> Iterator[tuple[str, int]]:
    """The sentences of the author's own voice that are neither asked, imagined nor doubted, each with its first character."""
    own, blank = text, _blanked(text, find_times(text, at))
    for quote in _QUOTE.finditer(text):
        spoken_by = _SAYS_BEFORE.search(text[max(0, quote.start() - 70) : quote.start()])
        if spoken_by or _QUOTED_SPEECH.search(quote[1] or quote[2]):
            own = own[: quote.start()] + " " * len(quote[0]) + own[quote.end() :]
    for start, end in sentence_spans(own):
        sentence = own[start:end]
        timeless = blank[start:end]
        if "?" not in sentence and not any(form.search(timeless) for form in (_UNREAL, _AFTERTHOUGHT, _DOUBT)):
            yield sentence, start


def _blanked(text: str, times: Sequence[TimeMention]) -> str:
    """The text with expressions of time, and the preposition before each, replaced by spaces."""
    for found in times:
        start = found.start
        before = _PREPOSITION.search(text, max(0, start - 24), start)
        if before and text[max(0, before.start() - 9) : before.start()].strip().lower() not in ("birthday", "born"):
            start = before.start()
        text = text[:start] + " " * (found.end - start) + text[found.end :]
    return text


def _quoted_speaker(who: str, author: str, known: Sequence[str]) -> str | None:
    owned = re.match(rf"(?:[Mm]y|[Oo]ur)\s+({KIN})(?:\s+({CAP}))?", who)
    if owned:
        return owned[2] or f"{author}'s {owned[1]}"
    if who.lower() in ("she", "he", "they", "someone", "everyone", "people"):
        return None
    return canonical_name(who, known) or who


@dataclass(slots=True, kw_only=True)
class _Voice:
    """Whose words are being read, and whom they have named so far: name -> (gender, where)."""

    text: str
    speaker: str
    claimed_by: str
    cited: int | None
    times: Sequence[TimeMention]
    known: Sequence[str]
    people: dict[str, tuple[str, int]] = field(default_factory=dict)

    def names(self, name: str, gender: str, at: int) -> None:
        known = self.people.get(name)
        self.people[name] = (gender or (known[0] if known else ""), known[1] if known else at)


def _read_voice(voice: _Voice, words: str, offset: int) -> Iterator[Clause]:
    bystanders = _persons(words, voice.known) if _PRONOUN.search(words) else []
    for start, end in sentence_spans(words):
        for at, name in bystanders:
            if at < start:
                voice.names(name, "", offset + at)
        sentence = words[start:end]
        if "?" in sentence or _UNREAL.search(sentence) or _AFTERTHOUGHT.search(sentence):
            continue
        carried: Clause | None = None
        for begin, finish, link in _pieces(sentence):
            piece = sentence[begin:finish]
            if begin and _SAYS_BEFORE.search(sentence[max(0, begin - _REACH) : begin]):
                break  # somebody's words without quotation marks: nobody can tell whose "I" it is, and where they end
            if link not in ("shared", "who"):
                carried = None
                if _SUBORDINATE.match(piece):
                    continue
            clause = _clause(voice, piece, offset + start + begin, carried, link)
            if clause is None:
                continue
            clause = replace(clause, doubtful=clause.doubtful or (carried is not None and carried.doubtful))
            carried = clause
            yield clause


def _persons(voice: str, known: Sequence[str]) -> list[tuple[int, str]]:
    """Every person that the voice names, whom a later pronoun might mean; not those it addresses."""
    return [
        (found.start, found.canonical)
        for found in mentions(voice, known)
        if found.kind == "person" and not (_ADDRESSED.search(voice[: found.start]) and re.match(r"\s*[!,.?]", voice[found.end :]))
    ]


def _pieces(sentence: str) -> Iterator[tuple[int, int, str]]:
    begin, link = 0, ""
    short, places = _shortened(sentence)
    for cut in _SPLIT.finditer(short):
        # Blanks before the conjunction are an expression of time, which belongs to the clause before it.
        yield begin, places[cut.start() + len(cut[0]) - len(cut[0].lstrip())], link
        begin = places[cut.end()]
        opener = cut[0].strip(" ,").lower()
        link = "shared" if cut["shared"] else "who" if cut["who"] else "side" if opener.split(" ")[0] in _SIDE else ""
    yield begin, len(sentence), link


def _shortened(sentence: str) -> tuple[str, Sequence[int]]:
    """Return a sentence with long runs of blanks made short, which no pattern has to try at each of them, and where its characters were."""
    places: list[int] = []
    begin = 0
    for run in _BLANKS.finditer(sentence):
        places += range(begin, run.start() + _FEW_BLANKS)
        begin = run.end()
    if not begin:
        return sentence, range(len(sentence) + 1)
    places += range(begin, len(sentence) + 1)
    return "".join(sentence[place] for place in places[:-1]), places


_FEW_BLANKS = 8
_BLANKS = re.compile(rf"\s{{{_FEW_BLANKS + 1},}}")
_SIDE = frozenset("which where whose when whenever until before after as or while".split())


def _clause(voice: _Voice, piece: str, start: int, carried: Clause | None, link: str) -> Clause | None:
    """Finds the subject and where the predicate begins; None when there is none that can be named."""
    if link == "side":
        return None
    at = 0
    while (fluff := _FLUFF.match(piece, at)) and fluff.end() > at:
        at = fluff.end()
    while at < len(piece) and piece[at].isspace():
        at += 1
    found = SUBJECT.match(piece, at)
    claimed_by, body, named = voice.claimed_by, at, None
    cited = start if voice.cited is None else voice.cited
    if found:
        subject, named, antecedent = _subject(found, voice, start)
        body, cited = found.end(), min(cited, antecedent)
        while subject and (said := _SAYS.match(piece, body)) and subject != voice.speaker:
            told = _told_by(piece, said.end(), subject, voice, start)
            if told is None:
                return None
            claimed_by, (subject, body) = subject, told
    elif carried is not None:
        subject, cited, claimed_by = carried.subject, carried.cited, carried.claimed_by
    else:
        return None
    if not subject:
        return None
    end = start + len(piece)
    return Clause(
        text=piece,
        start=start,
        cited=cited,
        subject=subject,
        body=body,
        named=named,
        claimed_by=claimed_by,
        doubtful=_DOUBT.search(piece) is not None,
        times=_between(voice.times, start, end),
        whole=voice.text[start:end],
    )


def _between(times: Sequence[TimeMention], start: int, end: int) -> tuple[TimeMention, ...]:
    """The expressions that overlap a stretch; they lie in order and apart, so the first can be looked up."""
    first = bisect_right(times, start, key=lambda time: time.end)
    last = bisect_left(times, end, key=lambda time: time.start)
    return tuple(times[first:last])


def _told_by(piece: str, at: int, teller: str, voice: _Voice, start: int) -> tuple[str, int] | None:
    """Whom a reported clause is about: the teller for "he" and "she", else a third person; never the author ("said I ...")."""
    found = SUBJECT.match(piece, at)
    if found is None or found["self"] or found["owner"]:
        return None
    if found["he"]:
        return teller, found.end()
    subject, _, _ = _subject(found, voice, start)
    return (subject, found.end()) if subject else None


def _subject(found: re.Match[str], voice: _Voice, start: int) -> tuple[str, tuple[str, str] | None, int]:
    """The person a subject names, the name given in passing, and where the person is named; empty when that is unclear."""
    here = start + found.start()
    if found["self"]:
        return voice.speaker, None, here
    if found["he"]:
        gender = "m" if found["he"].lower() == "he" else "f"
        fitting = [(name, at) for name, (sex, at) in voice.people.items() if sex in ("", gender)]
        return (fitting[0][0], None, fitting[0][1]) if len(fitting) == 1 else ("", None, here)
    if kin := found["kin"]:
        name = found["kin_name"]
        if name:
            name = canonical_name(name, voice.known) or name
        subject = name or f"{voice.speaker}'s {kin}"
        voice.names(subject, KIN_GENDER.get(kin.split()[-1], ""), here)
        return subject, (kin, name) if name else None, here
    if other := found["other"]:
        return f"{canonical_name(other, voice.known) or other}'s {found['other_kin']}", None, here
    name = found["name"].rstrip(".")
    if name.split()[0] in _NEVER_SUBJECTS:
        return "", None, here
    name = canonical_name(name, voice.known) or name
    voice.names(name, "", here)
    return name, None, here


_NEVER_SUBJECTS = frozenset(
    "It This That These Those They You There Here What Who Where When Why How My Our Your His Her Their The A An Some Any All Each "
    "Every No Not One Everyone Everybody Someone Nobody Nothing Something Everything People Life Work School Let Just Thanks Thank "
    "Yes Don't Can't Please Today Sounds Looks Seems Nature Glad Happy Love Music Art Family Friends Kids Dogs Cats Wishing Keep "
    "Stay Take Make Yesterday Tomorrow Last Next Since In On At For From With By After Before During Never Always Sometimes Being "
    "Having Going Got Been Hope Glad".split()
)
