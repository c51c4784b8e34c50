"""The patterns of the English grammar of days and longer stretches, one rule a line."""

from __future__ import annotations

import re

from mneme.text.timex import calendar as cal
from mneme.text.timex import english, feasts
from mneme.text.timex import lexicon as lex
from mneme.text.timex.english import Resolver, Rule

MONTH_WORDS = frozenset(lex.MONTH_NUMBER)
WEEKDAY_WORDS = frozenset(lex.WEEKDAY_NUMBER)
SEASON_WORDS = frozenset(cal.SEASON_MONTHS)
_UNITS = "minute min hour hr day night week weekend fortnight month quarter year yr decade".split()
UNIT_WORDS = frozenset(_UNITS + [unit + "s" for unit in _UNITS])


def _rule(words: str | frozenset[str], pattern: str, resolve: Resolver, *, exact_case: bool = False) -> Rule:
    keys = words if isinstance(words, frozenset) else frozenset(words.split())
    return Rule(keys, re.compile(pattern, 0 if exact_case else re.IGNORECASE), resolve)


_M, _W, _S, _Y, _F = lex.MONTH, lex.WEEKDAY, lex.SEASON, lex.YEAR, lex.FEAST
_DAY_NUMBER = r"(?P<day>3[01]|[12]\d|0?[1-9])"
_TO_DAY = r"(?:\s*(?:-|–|to|and|until|through)\s*(?:the\s+)?(?P<to>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?![\d:/%]))?"
_YEAR_AFTER = rf"(?P<year>,?\s*{_Y}\b(?![-/]\d)|\s+['’]\d\d\b)?"
FEAST_WORDS = frozenset(
    "christmas xmas boxing eve valentine valentines patrick halloween independence fourth 4th veterans juneteenth cinco earth"
    " thanksgiving labor memorial mother mothers father fathers easter friday year years".split()
)
DEICTIC_WHAT = (
    rf"(?:{_W}|{_M}|{_S}|{_F}|mon|tues?|weds?|thurs?|fri|sat|sun|night|morning|afternoon|evening|weekend|week"
    r"|fortnight|month|quarter|year|decade|century)"
)

# Tried in this order; where two overlap the longer wins, then the earlier in this list.
RULES: tuple[Rule, ...] = (
    _rule("", r"(?<![\d/-])((?:19|20)\d\d)[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ](\d{2}):(\d{2})(?::\d{2})?(?:\.\d+)?Z?)?(?![\d/-])", english.iso),
    _rule("", r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2((?:19|20)?\d\d)(?![\d/-])", english.numeric),
    _rule(MONTH_WORDS, rf"(?<![\d:.]){_DAY_NUMBER}(?:st|nd|rd|th)?(?:{_TO_DAY})\s*(?:-\s*)?(?:day\s+)?(?:of\s+)?(?P<month>{_M}){_YEAR_AFTER}", english.date),
    _rule(MONTH_WORDS, rf"\b(?P<month>{_M})\s*(?:the\s+)?{_DAY_NUMBER}(?:st|nd|rd|th)?(?![\d:%/])(?!\s*(?:am|pm|a\.m|p\.m)\b){_TO_DAY}{_YEAR_AFTER}", english.date),
    _rule(MONTH_WORDS, rf"\b(?P<month>{_M})\s*(?:of\s+|,\s*)?(?P<year>{_Y}\b|['’]\d\d\b)", english.month_year),
    _rule(MONTH_WORDS, rf"\b(?:from|between)\s+(?P<first>{_M})\s*(?:to|and|until|till|through|-|–)\s*(?P<last>{_M})(?:,?\s*(?:of\s+)?(?P<year>{_Y}))?", english.month_range),
    _rule(MONTH_WORDS, rf"\b(?P<month>{_M})", english.bare_month),
    _rule("last this next past previous coming upcoming", rf"\b(?P<which>{lex.DEICTIC})\s+(?P<what>{DEICTIC_WHAT})(?![\w-])", english.deictic),
    _rule("before after", rf"\b(?:the\s+)?(?P<what>{_W}|{_S}|weekend|week|month|year|night)\s+(?:before|after)\s+(?P<end>last|next)\b(?!\s+\w*(?:day|week|month|year|night))", english.before_last),
    _rule(FEAST_WORDS, rf"\b(?P<feast>{_F.replace(chr(39), '[' + chr(39) + '’]')})\s+(?:of\s+)?(?P<year>{_Y})", feasts.bare),
    _rule(FEAST_WORDS, rf"\b(?:on|at|for|over|around|before|after|since|until|till|by|during|this)\s+(?P<feast>{_F})(?P<year>)\b", feasts.bare),
    _rule("eve day fourth", r"\b(?:the\s+)?(?P<feast>(?:christmas|new\s+year['’]?s)\s+(?:eve|day)|fourth\s+of\s+july|(?:boxing|independence|valentine['’]?s|mother['’]?s|father['’]?s|labor|memorial)\s+day)(?P<year>)\b(?!\s+(?:card|gift|present|party|dinner|movie|sale))", feasts.bare),
    _rule(SEASON_WORDS, rf"\b(?P<season>{_S})\s*(?:of\s+)?(?P<year>{_Y}\b|['’]\d\d\b)", english.season),
    _rule(SEASON_WORDS, rf"\b(?:in|during|over|since|until|by|throughout|back\s+in|(?:end|beginning|start)\s+of|early|late|mid)[\s-]+(?:the\s+)?(?P<season>{_S})(?P<year>)\b(?!\s+(?:semester|break|camp|from|apart|asleep|in|into|off|out|for|down|of))", english.season),
    _rule("", rf"\b(?:in|since|by|until|till|before|after|during|from|to|through|circa|around|of|early|late|mid|end|year|and|between|back in)(?:[\s-]+|\s+the\s+year\s+)(?P<year>{_Y})(?![\d,.:/]\d|\d|\s*(?:people|dollars|euros|calories|miles|km|kg|meters|metres|steps|words|pieces|users|%)|s\b)", english.year),
    _rule("", rf"(?:(?<=^)|(?<=[.!?]\s)|\b(?:my|our|his|her|their|the)\s+)(?P<year>{_Y})(?=\s+[a-z])(?!\s*(?:people|dollars|euros|calories|miles|km|kg|meters|metres|steps|words|pieces|users|[a-z]+s\s+of\b))", english.year),
    _rule("", rf"(?:(?<=\()|(?<=,\s))(?P<year>{_Y})(?=\)|[.!?,;]|$)", english.year),
    _rule("", rf"(?<![\d$€£-])(?P<first>{_Y})\s?[-–]\s?(?P<last>{_Y})(?![\d-])", english.years),
    _rule("", r"\b(?:the\s+)?(?P<digits>(?:19|20)\d0|(?<=['’])[3-9]0|(?<=the )[3-9]0|(?<=early )[3-9]0|(?<=late )[3-9]0|(?<=mid-)[3-9]0)['’]?s\b(?P<word>)", english.decade),
    _rule("fifties sixties seventies eighties nineties", r"(?<=the )(?P<word>fifties|sixties|seventies|eighties|nineties)\b(?P<digits>)", english.decade),
    _rule("ago back", rf"\b(?:about\s+|around\s+|almost\s+|nearly\s+|roughly\s+|over\s+|maybe\s+|like\s+)?(?P<count>{lex.COUNT})(?P<half>\s+and\s+a\s+half)?\s+(?P<unit>{lex.UNIT}|{_W})(?P<late>\s+and\s+a\s+half)?s?\s+(?:ago|back(?=[\s.,!?;)]|$)(?!\s+(?:to|in|from|at|home|pain|then)\b))", english.ago),
    _rule("in within", rf"\bin\s+(?:about\s+|just\s+|another\s+)?(?P<count>{lex.COUNT})\s+(?P<unit>{lex.UNIT})s?\b(?!['’]|\s+(?:a|per|row|of|straight)\b)(?!\s*-)", english.hence),
    _rule("from", rf"\b(?P<count>{lex.COUNT})\s+(?P<unit>{lex.UNIT})s?\s+from\s+(?:now|today)\b", english.hence),
    _rule("past last previous next coming following", rf"\b(?:(?:in|for|over|during|within)\s+)?(?:the\s+|these\s+|this\s+)?(?P<which>past|last|previous|next|coming|following)\s+(?P<count>{lex.COUNT})\s+(?P<unit>{lex.UNIT})s?\b", english.stretch),
    _rule("for", rf"\bfor\s+(?:about\s+|over\s+|almost\s+|nearly\s+|more\s+than\s+)?(?P<count>{lex.COUNT})\s+(?P<unit>{lex.UNIT})s?(?:\s+now)?\b", english.for_long),
    _rule("yesterday today tomorrow tonight tmrw", r"\b(?:(?:the\s+)?day\s+before\s+yesterday|(?:the\s+)?day\s+after\s+tomorrow|yesterday|today|tomorrow|tmrw|tonight)\b", english.named_day),
    _rule("other", r"\bthe\s+other\s+day\b", english.named_day),
    _rule("earlier later", r"\b(?P<side>earlier|later)\s+(?P<unit>today|this\s+(?:week|month|year))\b", english.earlier),
    _rule(WEEKDAY_WORDS, rf"\b(?P<day>{_W})\b(?!\s+(?:night\s+)?(?:school|times))", english.weekday),
    _rule(WEEKDAY_WORDS, rf"\b(?:on|by|until|before|after|since|this|next|last)\s+(?P<day>{lex.SHORT_DAY})(?!\w)", english.weekday, exact_case=True),
    _rule("", r"\b(?:on|by|until|since|before|after|around|from)\s+(?P<date>the\s+(?P<nth>3[01]|[12]\d|[1-9])(?:st|nd|rd|th))\b(?=\s*(?:$|[.,!?;:)]|(?:and|at|but|for|with|because|so|when|in\s+the|we|i|he|she|they|this|of\s+(?:this|last|next|the)\s+month)\b))(?!\s+(?:and\s+final|at\s+bat))", english.nth_day),
    _rule("recently lately currently nowadays", r"\b(?:recently|lately|currently|nowadays)\b", english.lately),
    _rule("these", r"\bthese\s+days\b", english.lately),
)  # fmt: skip
