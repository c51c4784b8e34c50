"""The commonest German, French and Spanish expressions of time, by tables and a few word orders.

A text is read in the language of its function words; without at least one nothing is found, since a lone "hier" or "mars"
belongs to more than one language.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

from mneme.text.timex import calendar as cal
from mneme.text.timex.calendar import Interval
from mneme.text.timex.compose import select
from mneme.text.timex.lexicon import RRULE_DAYS, Atom, Scene


class Tongue(NamedTuple):
    """What the rules need to know of one language."""

    function_words: frozenset[str]
    days: dict[str, int]
    months: dict[str, int]
    weekdays: dict[str, int]
    units: dict[str, str]
    seasons: dict[str, str]
    numbers: dict[str, int]
    ago: str
    hence: str
    last: str
    next: str
    since: str
    until: str
    month_after: str
    every: str
    date: str


def _table(names: str) -> dict[str, int]:
    return {name: i for i, names_of in enumerate(names.split()) for name in names_of.split("/")}


_G_UNITS = {"tag": "day", "tage": "day", "tagen": "day", "woche": "week", "wochen": "week", "monat": "month", "monate": "month", "monaten": "month", "jahr": "year", "jahre": "year", "jahren": "year", "stunde": "hour", "stunden": "hour", "wochenende": "weekend"}  # fmt: skip
_F_UNITS = {"jour": "day", "jours": "day", "semaine": "week", "semaines": "week", "mois": "month", "an": "year", "ans": "year", "année": "year", "heure": "hour", "heures": "hour", "week-end": "weekend"}  # fmt: skip
_S_UNITS = {"día": "day", "días": "day", "semana": "week", "semanas": "week", "mes": "month", "meses": "month", "año": "year", "años": "year", "hora": "hour", "horas": "hour"}  # fmt: skip

TONGUES: tuple[Tongue, ...] = (
    Tongue(
        frozenset("ich wir du er sie und der die das ist war habe hat haben nicht mit im am seit vor bin sind mein meine wurde den jeden".split()),
        {"heute": 0, "gestern": -1, "vorgestern": -2, "übermorgen": 2},
        {name: i + 1 for name, i in _table("januar februar märz april mai juni juli august september oktober november dezember").items()},
        _table("montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag"),
        _G_UNITS,
        {"frühling": "spring", "sommer": "summer", "herbst": "autumn", "winter": "winter"},
        _table("_ ein/eine/einem/einer/einen zwei drei vier fünf sechs sieben acht neun zehn"),
        r"vor\s+(?P<count>{n})\s+(?P<unit>{u})",
        r"in\s+(?P<count>{n})\s+(?P<unit>{u})",
        r"(?:letzte[nmrs]?|vorige[nmrs]?|vergangene[nmrs]?)\s+(?P<what>{w}|{u}|{s})",
        r"(?:nächste[nmrs]?|kommende[nmrs]?)\s+(?P<what>{w}|{u}|{s})",
        r"seit\s+(?:dem\s+jahr\s+|dem\s+)?",
        r"bis\s+(?:zum\s+)?",
        r"(?:im|seit|bis|ende|anfang|mitte)\s+(?P<month>{m})(?:\s+(?P<year>{y}))?",
        r"jeden\s+(?P<what>{w}|tag|monat)|jede\s+(?P<what2>woche)|jedes\s+(?P<what3>jahr)",
        r"(?P<day>\d{{1,2}})\.\s*(?P<month>{m})(?:\s+(?P<year>{y}))?",
    ),
    Tongue(
        frozenset("je tu il elle nous vous et le la les est suis ai avons pas avec depuis dans une du au ma mon mes était été chaque j'ai".split()),
        {"aujourd'hui": 0, "aujourd’hui": 0, "hier": -1, "avant-hier": -2, "demain": 1, "après-demain": 2},
        {name: i + 1 for name, i in _table("janvier février mars avril mai juin juillet août septembre octobre novembre décembre").items()},
        _table("lundi mardi mercredi jeudi vendredi samedi dimanche"),
        _F_UNITS,
        {"printemps": "spring", "été": "summer", "automne": "autumn", "hiver": "winter"},
        _table("_ un/une deux trois quatre cinq six sept huit neuf dix"),
        r"il\s+y\s+a\s+(?P<count>{n})\s+(?P<unit>{u})",
        r"dans\s+(?P<count>{n})\s+(?P<unit>{u})",
        r"(?P<what>{w}|{u}|{s})\s+(?:derni(?:er|ère)|pass[ée]e?)",
        r"(?P<what>{w}|{u}|{s})\s+(?:prochaine?)",
        r"depuis\s+",
        r"jusqu['’](?:à|en|au)\s+",
        r"(?:en|depuis|au\s+mois\s+de)\s+(?P<month>{m})(?:\s+(?P<year>{y}))?",
        r"(?:chaque|tous\s+les|toutes\s+les)\s+(?P<what>{w}|jour|mois|semaine|an)s?",
        r"(?:le\s+)?(?P<day>\d{{1,2}})(?:er)?\s+(?P<month>{m})(?:\s+(?P<year>{y}))?",
    ),
    Tongue(
        frozenset("yo tú él ella nosotros y el la los las es era soy he no con desde en una un mi mis fue fui hace cada todos me del que".split()),
        {"hoy": 0, "ayer": -1, "anteayer": -2, "antier": -2, "pasado mañana": 2},
        {name: i + 1 for name, i in _table("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre").items()},
        _table("lunes martes miércoles jueves viernes sábado domingo"),
        _S_UNITS,
        {"primavera": "spring", "verano": "summer", "otoño": "autumn", "invierno": "winter"},
        _table("_ un/una/uno dos tres cuatro cinco seis siete ocho nueve diez"),
        r"hace\s+(?P<count>{n})\s+(?P<unit>{u})",
        r"(?:dentro\s+de|en)\s+(?P<count>{n})\s+(?P<unit>{u})",
        r"(?:el\s+|la\s+)?(?P<what>{w}|{u}|{s})\s+pasad[oa]",
        r"(?:el\s+|la\s+)?(?:próxim[oa]\s+(?P<what>{w}|{u}|{s})|(?P<what2>{w}|{u}|{s})\s+(?:que\s+viene|próxim[oa]))",
        r"desde\s+(?:el\s+)?",
        r"hasta\s+(?:el\s+)?",
        r"(?:en|desde)\s+(?P<month>{m})(?:\s+(?:de|del)\s+(?P<year>{y}))?",
        r"(?:cada|todos\s+los|todas\s+las)\s+(?P<what>{w}|días?|mes(?:es)?|semanas?|años?)s?",
        r"(?:el\s+)?(?P<day>\d{{1,2}})\s+de\s+(?P<month>{m})(?:\s+(?:de|del)\s+(?P<year>{y}))?",
    ),
)
_ENGLISH = frozenset("i we you he she it and the is was have had not with in at of to my on for are be this that".split())
_Y = r"(?:19|20)\d\d"
_FREQUENCY = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}


def _compiled(tongue: Tongue) -> dict[str, re.Pattern[str]]:
    def either(words: object) -> str:
        return "(?:" + "|".join(sorted((re.escape(str(w)) for w in words), key=len, reverse=True)) + ")"  # type: ignore[attr-defined]

    parts = {
        "m": either(tongue.months), "w": either(tongue.weekdays), "u": either(tongue.units), "s": either(tongue.seasons),
        "n": either(["\\d+", *tongue.numbers]).replace("\\\\d\\+", r"\d+"), "y": _Y,
    }  # fmt: skip
    forms = {name: getattr(tongue, name) for name in ("ago", "hence", "last", "next", "month_after", "every", "date")}
    forms["day"] = either(tongue.days)
    forms["weekday"] = "{w}"
    forms["since_year"] = f"(?:{tongue.since})(?P<year>{{y}})"
    forms["year"] = r"(?:im\s+jahr|en|in)\s+(?P<year>{y})"
    return {name: re.compile(rf"(?<!\w)(?:{form.format(**parts)})(?!\w)", re.IGNORECASE) for name, form in forms.items()}


_PATTERNS = [(tongue, _compiled(tongue)) for tongue in TONGUES]


# Words that no English sentence without a time in it holds; a text without any of them is not looked at.
TRIGGERS = frozenset(
    part
    for tongue in TONGUES
    for word in [*tongue.days, *tongue.months, *tongue.weekdays, *tongue.units, "seit", "depuis", "desde"]
    for part in word.replace("'", " ").replace("-", " ").split()
    if word not in ("an", "ans", "august", "september", "november", "mars")
)


def find(scene: Scene, words: set[str]) -> list[Atom]:
    """Expressions in the one language, of the three, that most function words of the text belong to; else nothing."""
    best = _best(words)
    if best is None:
        return []
    tongue, patterns = _PATTERNS[best]
    atoms = []
    for name, pattern in patterns.items():
        for match in pattern.finditer(scene.text):
            try:
                atom = _resolve(name, match, tongue, scene)
            except (OverflowError, ValueError):
                continue
            if atom is not None:
                atoms.append(atom)
    return [_opened(atom, tongue, scene) for atom in select(atoms)]


def likely(words: set[str]) -> bool:
    """Whether a text with these lower-case words is more likely one of the three languages than English."""
    best = _best(words)
    return best is not None and len(words & _PATTERNS[best][0].function_words) > len(words & _ENGLISH)


def _best(words: set[str]) -> int | None:
    scores = [len(words & tongue.function_words) for tongue, _ in _PATTERNS]
    best = max(range(len(scores)), key=scores.__getitem__)
    return best if scores[best] else None


def _resolve(name: str, match: re.Match[str], tongue: Tongue, scene: Scene) -> Atom | None:
    anchor = scene.anchor
    groups = match.groupdict()
    if name == "day":
        return _point(match, cal.day_of(anchor + timedelta(days=tongue.days[match[0].lower()])))
    if name in ("ago", "hence"):
        word = groups["count"].lower()
        count = int(word) if word.isdigit() else tongue.numbers[word]
        unit = tongue.units[groups["unit"].lower()]
        return _point(match, cal.around(cal.moved(anchor, unit, count if name == "hence" else -count), unit))
    if name in ("last", "next"):
        what = (groups.get("what") or groups.get("what2") or "").lower()
        return _point(match, _stepped(what, 1 if name == "next" else -1, tongue, scene))
    if name == "every":
        what = next(value for key, value in groups.items() if key.startswith("what") and value).lower()
        return _every(match, what, tongue, scene)
    if name in ("since_year", "year"):
        first = cal.on_date(int(groups["year"]), 1, 1, anchor)
        if first is None:
            return None
        whole = cal.year_of(first.lower)
        if name == "since_year":
            return _point(match, Interval(whole.lower, anchor, "year"), "since") if whole.lower < anchor else None
        return _point(match, whole)
    if name == "weekday":
        back = (anchor.weekday() - tongue.weekdays[match[0].lower()]) % 7
        return _point(match, cal.day_of(anchor - timedelta(days=back)))
    return _dated(match, groups, tongue, scene)


def _dated(match: re.Match[str], groups: dict[str, str | None], tongue: Tongue, scene: Scene) -> Atom | None:
    month, day = tongue.months[(groups["month"] or "").lower()], int(groups.get("day") or 0)
    anchor, year = scene.anchor, groups.get("year")
    number = int(year) if year else anchor.year - ((month, day or 1) > (anchor.month, anchor.day if day else 1))
    found = cal.on_date(number, month, day or 1, anchor)
    if found is None:
        return None
    start = match.start() if day else match.start("month")
    return Atom(start, match.end(), found if day else cal.month_of(found.lower), "date")


def _point(match: re.Match[str], interval: Interval, kind: str = "point", rule: str | None = None) -> Atom:
    return Atom(match.start(), match.end(), interval, "day", kind, rule)


def _stepped(what: str, step: int, tongue: Tongue, scene: Scene) -> Interval:
    anchor = scene.anchor
    if what in tongue.weekdays:
        gap = (anchor.weekday() - tongue.weekdays[what] - 1) % 7 + 1 if step < 0 else 0
        days = -gap if step < 0 else (tongue.weekdays[what] - anchor.weekday() - 1) % 7 + 1
        return cal.day_of(anchor + timedelta(days=days))
    if what in tongue.seasons:
        seasons = [cal.season_of(tongue.seasons[what], anchor.year + shift, anchor) for shift in (-2, -1, 0, 1, 2)]
        past, ahead = [s for s in seasons if s.upper <= anchor], [s for s in seasons if s.lower > anchor]
        return past[-1] if step < 0 else ahead[0]
    unit = tongue.units[what]
    first = cal.floor_day(anchor).replace(day=1) if unit in ("month", "year") else anchor
    return cal.unit_of(cal.moved(first, unit, step), unit)


def _every(match: re.Match[str], what: str, tongue: Tongue, scene: Scene) -> Atom | None:
    if what in tongue.weekdays:
        weekday = tongue.weekdays[what]
        day = cal.day_of(scene.anchor + timedelta(days=(weekday - scene.anchor.weekday()) % 7))
        return _point(match, day, "recurring", f"FREQ=WEEKLY;BYDAY={RRULE_DAYS[weekday]}")
    unit = tongue.units.get(what)
    if unit not in _FREQUENCY:
        return None
    return _point(match, cal.unit_of(scene.anchor, unit), "recurring", f"FREQ={_FREQUENCY[unit]}")


def _opened(atom: Atom, tongue: Tongue, scene: Scene) -> Atom:
    if atom.kind != "point":
        return atom
    before = scene.text[max(0, atom.start - 16) : atom.start]
    anchor, (lower, upper, precision) = scene.anchor, atom.interval
    if re.search(rf"(?<!\w)(?:{tongue.since})$", before, re.IGNORECASE) and lower < anchor:
        return atom._replace(interval=Interval(lower, anchor, precision), kind="since")
    if re.search(rf"(?<!\w)(?:{tongue.until})$", before, re.IGNORECASE):
        return atom._replace(interval=Interval(anchor if upper > anchor else cal.dawn(anchor), upper, precision), kind="until")
    return atom
