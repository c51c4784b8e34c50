"""Chinese expressions of time, in simplified or traditional characters."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from mneme.text.timex import calendar as cal
from mneme.text.timex.calendar import Interval
from mneme.text.timex.compose import select
from mneme.text.timex.lexicon import RRULE_DAYS, Atom, Scene

_TO_SIMPLIFIED = str.maketrans("週禮兩個號後這點鐘時間幾過來從處應該將會剛當禮內歲末裡", "周礼两个号后这点钟时间几过来从处应该将会刚当礼内岁末里")
_DIGITS = {"〇": 0, "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_WEEKDAYS = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, "1": 0, "2": 1, "3": 2, "4": 3, "5": 4, "6": 5, "7": 6}
_YEAR_WORDS = {"前年": -2, "去年": -1, "今年": 0, "明年": 1, "后年": 2}
_DAY_WORDS = {"大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "今天": 0, "今日": 0, "明天": 1, "明日": 1, "后天": 2, "大后天": 3, "昨晚": -1, "今晚": 0, "今早": 0, "明早": 1, "明晚": 1}
_PARTS = {"早上": "morning", "上午": "morning", "早晨": "morning", "清晨": "morning", "中午": "noon", "下午": "afternoon", "傍晚": "evening", "晚上": "evening", "夜里": "night", "晚": "evening", "早": "morning", "凌晨": "morning"}
_UNITS = {"分钟": "minute", "小时": "hour", "个小时": "hour", "天": "day", "日": "day", "周": "week", "个星期": "week", "星期": "week", "个礼拜": "week", "礼拜": "week", "个月": "month", "年": "year"}
_SEASONS = {"春": "spring", "夏": "summer", "秋": "autumn", "冬": "winter"}
_STEPS = {"上上": -2, "上": -1, "这": 0, "本": 0, "这个": 0, "上个": -1, "下": 1, "下个": 1, "下下": 2, "上上个": -2, "下下个": 2}

_N = r"(?:\d+|[零一二两三四五六七八九十百]+|半|几|数)"
_UNIT = r"(?:分钟|个?小时|天|日|周|个?星期|个?礼拜|个月|年)"
_PART = r"(?:早上|上午|早晨|清晨|中午|下午|傍晚|晚上|夜里|凌晨|早|晚)"
_STEP = r"(?:上上个|下下个|上上|下下|上个|下个|这个|上|下|这|本)"
_WEEK = r"(?:周|星期|礼拜)"
_MONTH = r"(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月(?:份)?"
_YEAR = r"(?:(?P<year>(?:19|20)\d\d|[一二][零〇九]\w\w)年|(?P<yearword>前年|去年|今年|明年|后年)(?:的)?)"
_HAN = re.compile(r"[\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")


def written_in(text: str) -> bool:
    """Whether the text is to be read as Chinese: Han characters and no kana."""
    return _HAN.search(text) is not None and _KANA.search(text) is None


def find(scene: Scene) -> list[Atom]:
    """Every Chinese expression of time, in reading order."""
    # One character maps to one, so spans hold in the text as written.
    plain = scene._replace(text=scene.text.translate(_TO_SIMPLIFIED))
    atoms: list[Atom] = []
    for pattern, resolve in _RULES:
        for match in pattern.finditer(plain.text):
            try:
                atom = resolve(match, plain)
            except (OverflowError, ValueError):
                continue
            if atom is not None:
                atoms.append(atom)
    chosen = [_clocked(atom, plain) for atom in select(atoms)]
    return [_opened(atom, plain) for atom in select(chosen)]


def number(word: str) -> float:
    """The value of a written number up to 999, Chinese or Arabic; a half is 0.5."""
    if word.isdigit():
        return float(word)
    if word == "半":
        return 0.5
    if word in ("几", "数"):
        return -1.0
    total, current = 0, 0
    for char in word:
        if char == "百":
            total, current = total + max(current, 1) * 100, 0
        elif char == "十":
            total, current = total + max(current, 1) * 10, 0
        else:
            current = _DIGITS[char]
    return float(total + current)


def _lean(scene: Scene, position: int) -> int:
    low, high = max(0, position - 60), min(len(scene.text), position + 60)
    left = max(low, max(scene.text.rfind(mark, low, position) for mark in "。！？；，") + 1)
    ends = [at for mark in "。！？；" if (at := scene.text.find(mark, position, high)) >= 0]
    clause = scene.text[left : min(ends, default=high)]
    if re.search(r"要|会|将|打算|计划|准备|想去|记得|提醒|应该|希望", clause) and not re.search(r"了|过(?!去)|曾", clause):
        return 1
    return -1


def _atom(match: re.Match[str], interval: Interval | None, kind: str = "point", recurring: str | None = None, family: str = "day") -> Atom | None:
    return Atom(match.start(), match.end(), interval, family, kind, recurring) if interval else None


def _year_in(match: re.Match[str], scene: Scene) -> int | None:
    if word := match["yearword"]:
        return scene.anchor.year + _YEAR_WORDS[word]
    if written := match["year"]:
        return int(written) if written.isdigit() else int("".join(str(_DIGITS[char]) for char in written))
    return None


def _date(match: re.Match[str], scene: Scene) -> Atom | None:
    month, day = int(number(match["month"])), int(number(match["day"]))
    year = _year_in(match, scene)
    if year is None:
        anchor, lean = scene.anchor, _lean(scene, match.start())
        today = (anchor.month, anchor.day)
        year = anchor.year + ((month, day) < today if lean > 0 else -((month, day) > today))
    return _atom(match, cal.on_date(year, month, day, scene.anchor))


def _month(match: re.Match[str], scene: Scene) -> Atom | None:
    month, year = int(number(match["month"])), _year_in(match, scene)
    if year is None:
        lean = _lean(scene, match.start())
        year = scene.anchor.year + (month < scene.anchor.month if lean > 0 else -(month > scene.anchor.month))
    first = cal.on_date(year, month, 1, scene.anchor)
    interval = cal.month_of(first.lower) if first else None
    if interval and match["third"]:
        interval = cal.third_of(interval, {"初": "early", "上旬": "early", "中旬": "mid", "中": "mid"}.get(match["third"], "late"))
    return _atom(match, interval, family="month")


def _day_of_month(match: re.Match[str], scene: Scene) -> Atom | None:
    first = cal.floor_day(scene.anchor).replace(day=1)
    there = cal.add_months(first, _STEPS[match["step"]])
    return _atom(match, cal.on_date(there.year, there.month, int(number(match["day"])), scene.anchor))


def _whole_year(match: re.Match[str], scene: Scene) -> Atom | None:
    year = _year_in(match, scene)
    first = cal.on_date(year or 0, 1, 1, scene.anchor)
    interval = cal.year_of(first.lower) if first else None
    rest = match["rest"]
    if interval and rest:
        if rest[0] in _SEASONS:
            interval = cal.season_of(_SEASONS[rest[0]], interval.lower.year, scene.anchor)
        else:
            interval = cal.third_of(interval, {"初": "early", "中": "mid"}.get(rest[-1], "late"))
    return _atom(match, interval, family="year")


def _named_day(match: re.Match[str], scene: Scene) -> Atom | None:
    word = match["word"]
    day = cal.day_of(scene.anchor + timedelta(days=_DAY_WORDS[word]))
    part = match["part"] or (word[1] if word[1] in "早晚" else None)
    return _atom(match, cal.part_of_day(day, _PARTS[part]) if part else day)


def _weekday(match: re.Match[str], scene: Scene) -> Atom | None:
    weekday, step = _WEEKDAYS[match["weekday"]], match["step"]
    monday = cal.week_of(scene.anchor).lower
    if step:
        day = monday + timedelta(days=7 * _STEPS[step] + weekday)
    elif _lean(scene, match.start()) > 0:
        day = scene.anchor + timedelta(days=(weekday - scene.anchor.weekday()) % 7)
    else:
        day = scene.anchor - timedelta(days=(scene.anchor.weekday() - weekday) % 7)
    whole = cal.day_of(day)
    return _atom(match, cal.part_of_day(whole, _PARTS[match["part"]]) if match["part"] else whole)


def _unit_step(match: re.Match[str], scene: Scene) -> Atom | None:
    unit = {"月": "month", "周末": "weekend", "季度": "quarter", "世纪": "century", "年": "year"}.get(match["unit"], "week")
    start = cal.floor_day(scene.anchor)
    start = start.replace(day=1) if unit in ("month", "quarter") else start
    interval = cal.unit_of(cal.moved(start, unit, _STEPS[match["step"]]), unit)
    third = match["third"]
    if third and unit == "month":
        interval = cal.third_of(interval, {"初": "early", "中": "mid"}.get(third[0], "late"))
    return _atom(match, interval, family="unit")


def _ago(match: re.Match[str], scene: Scene) -> Atom | None:
    unit, count = _UNITS[match["unit"]], number(match["count"])
    sign = -1 if match["side"] in ("前", "以前", "之前") else 1
    if match["half"]:
        count += 0.5
    if count < 0:
        ends = sorted((cal.moved(scene.anchor, unit, sign * 2), cal.moved(scene.anchor, unit, sign * 5)))
        low, high = cal.unit_of(ends[0], unit), cal.unit_of(ends[1], unit)
        return _atom(match, Interval(low.lower, high.upper, low.precision), "range")
    return _atom(match, cal.around(cal.moved(scene.anchor, unit, sign * count), unit))


def _stretch(match: re.Match[str], scene: Scene) -> Atom | None:
    unit, count = _UNITS[match["unit"]], number(match["count"])
    count = 5 if count < 0 else count
    sign = 1 if match["which"] in ("未来", "接下来") else -1
    there = cal.floor_day(cal.moved(scene.anchor, unit, sign * count))
    ends = (there, scene.anchor) if sign < 0 else (scene.anchor, there + timedelta(days=1))
    return _atom(match, Interval(*ends, cal.unit_of(scene.anchor, unit).precision), "range")


def _every(match: re.Match[str], scene: Scene) -> Atom | None:
    what = match["what"]
    if what[-1] in _WEEKDAYS and what[0] in "周星礼" and len(what) > 1 and what not in ("星期", "礼拜"):
        weekday = _WEEKDAYS[what[-1]]
        day = scene.anchor + timedelta(days=(weekday - scene.anchor.weekday()) % 7)
        return _atom(match, cal.day_of(day), "recurring", f"FREQ=WEEKLY;BYDAY={RRULE_DAYS[weekday]}")
    if what == "周末":
        return _atom(match, cal.weekend_of(scene.anchor), "recurring", "FREQ=WEEKLY;BYDAY=SA,SU")
    unit, rule = {"天": ("day", "DAILY"), "日": ("day", "DAILY"), "月": ("month", "MONTHLY"), "年": ("year", "YEARLY")}.get(what[-1], ("week", "WEEKLY"))
    return _atom(match, cal.unit_of(scene.anchor, unit), "recurring", f"FREQ={rule}")


def _decade(match: re.Match[str], scene: Scene) -> Atom | None:
    tens = number(match["tens"])
    first = cal.on_date(1900 + int(tens), 1, 1, scene.anchor)
    return _atom(match, cal.decade_of(first.lower) if first else None, family="decade")


def _iso(match: re.Match[str], scene: Scene) -> Atom | None:
    return _atom(match, cal.on_date(int(match[1]), int(match[2]), int(match[3]), scene.anchor))


def _clocked(atom: Atom, scene: Scene) -> Atom:
    """Adds a following "下午三点半" to a day; a clock time alone means the day of the message."""
    match = _CLOCK.match(scene.text, atom.end)
    if match is None or atom.kind != "point" or atom.family != "day":
        return atom
    hour = int(number(match["hour"]))
    part = match["part"] or ("晚上" if scene.text[atom.end - 1] in "晚" or scene.text[atom.end - 2 : atom.end] == "晚上" else None)
    afternoon = atom.interval.precision == "hour" and atom.interval.lower.hour >= 12
    if hour < 12 and ((part and _PARTS[part] in ("afternoon", "evening", "night")) or afternoon):
        hour += 12
    minute = 30 if match["half"] else int(number(match["minute"])) if match["minute"] else 0
    lower = cal.floor_day(atom.interval.lower) + timedelta(hours=hour, minutes=minute)
    exact = bool(match["half"] or match["minute"])
    upper = lower + (timedelta(minutes=1) if exact else timedelta(hours=1))
    return atom._replace(end=match.end(), interval=Interval(lower, upper, "minute" if exact else "hour"))


def _opened(atom: Atom, scene: Scene) -> Atom:
    if atom.kind != "point":
        return atom
    before, anchor = scene.text[max(0, atom.start - 2) : atom.start], scene.anchor
    after = re.match(r"起|以来|开始|以后|之后|以前|之前|为止", scene.text[atom.end :])
    lower, upper, precision = atom.interval
    if before.endswith(("从", "自", "自从")) or (after and after[0] in ("起", "以来", "开始")):
        if not after and not before.endswith("自从"):
            return atom
        return atom._replace(interval=Interval(lower, anchor if lower < anchor else cal.dusk(anchor), precision), kind="since")
    if after and after[0] in ("以后", "之后"):
        return atom._replace(interval=Interval(upper, anchor if upper < anchor else cal.dusk(anchor), precision), kind="since")
    if after or before.endswith(("直到", "到")):
        edge = upper if not after or after[0] == "为止" else lower
        return atom._replace(interval=Interval(cal.dawn(anchor) if edge <= anchor else anchor, edge, precision), kind="until")
    return atom


_CLOCK = re.compile(rf"(?:的)?(?P<part>{_PART})?(?P<hour>\d{{1,2}}|[零一二两三四五六七八九十]+)(?:点钟?|时|:(?=\d))(?:(?P<half>半)|(?P<minute>[0-5]\d|[一二三四五]?十[一二三四五六七八九]?)分?)?")
Resolve = Callable[["re.Match[str]", Scene], Atom | None]
_RULES: tuple[tuple[re.Pattern[str], Resolve], ...] = tuple(
    (re.compile(pattern), resolve)
    for pattern, resolve in (
        (r"(?<!\d)((?:19|20)\d\d)[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", _iso),
        (rf"{_YEAR}?{_MONTH}(?P<day>3[01]|[12]\d|0?[1-9]|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])[日号]", _date),
        (rf"{_YEAR}?{_MONTH}(?P<third>初|底|末|中旬|上旬|下旬|中)?", _month),
        (r"(?P<step>上个|这个|下个|本|上|下)月(?P<day>3[01]|[12]\d|0?[1-9]|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])[日号]", _day_of_month),
        (rf"{_YEAR}(?P<rest>年?[初中底末]|[春夏秋冬][天季]?)?", _whole_year),
        (rf"(?P<word>大前天|前天|昨天|昨日|今天|今日|明天|明日|大后天|后天|昨晚|今晚|今早|明早|明晚)(?:的)?(?P<part>{_PART})?", _named_day),
        (rf"(?P<step>{_STEP})?{_WEEK}(?P<weekday>[一二三四五六日天])(?P<part>{_PART})?", _weekday),
        (rf"(?P<step>{_STEP})(?P<unit>周末|周|星期|礼拜|月|季度|世纪)(?P<third>初|中旬|底|末)?", _unit_step),
        (r"(?<=[过在])?(?P<step>这|本|上|下)(?P<unit>周末)(?P<third>)", _unit_step),
        (rf"(?P<count>{_N})(?P<unit>{_UNIT})(?P<half>半)?(?P<side>以前|之前|前|以后|之后|后)", _ago),
        (rf"(?P<which>过去|最近|近|未来|接下来)(?:的)?(?P<count>{_N})(?P<unit>{_UNIT})", _stretch),
        (rf"每(?:个)?(?P<what>{_WEEK}[一二三四五六日天]|周末|天|日|周|星期|礼拜|月|年)", _every),
        (r"(?:上世纪|20世纪|二十世纪)?(?P<tens>[三四五六七八九]十|[3-9]0)年代", _decade),
    )
)  # fmt: skip
