"""Published figures as data: each claim names what was measured, what came out, how near a rerun must come, and the command.

A claims file is YAML::

    claims:
      - id: locomo-default-recall
        task: locomo
        recipe: default
        data: locomo/locomo.json
        metric: recall@10
        expected: 0.75
        tolerance: 0.02
        command: mneme arena run locomo --data $MNEME_DATA/locomo/locomo.json --recipe default

``by`` (a category), ``pooled``, ``triples``, ``foreign``, ``seed`` and ``limit`` are optional. ``data`` is relative to the data root.
A measure (:mod:`mneme.arena.measures`) takes ``limit`` seeds from ``seed`` on, and its metrics are its figures' names; a generated one
has no data, another may name a file of the source tree.
A task ``retention:locomo`` is the simulation of :mod:`mneme.arena.simulation`, with a policy and a share for a recipe (``value@0.5``) and
one of its measures for a metric; ``of_unlimited`` as ``by`` takes it as a share of the unlimited space's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from mneme.arena import measures
from mneme.arena.log import RunLog
from mneme.arena.metrics import Metric
from mneme.arena.recipes import get_recipe
from mneme.arena.retention import MEASURES, UNLIMITED, Outcome, gathered, relative, trial
from mneme.arena.run import run_task
from mneme.arena.subject import Tools
from mneme.arena.summary import summarise
from mneme.arena.task import Options, prepare
from mneme.arena.tasks import get_task
from mneme.core.errors import InvalidInput, MissingExtra

Status = Literal["OK", "NEAR", "FAIL", "SKIP"]
SIMULATED = "retention:"
"""Begins the task of a claim about the retention simulation."""

SEEDS = 3
"""How many seeds a measure takes where a claim does not say."""

NEAR_FACTOR = 2.0
"""Within this many tolerances a figure is near: worth a look, not yet wrong."""

_FIELDS: Mapping[str, tuple[type, ...]] = {
    "id": (str,), "task": (str,), "recipe": (str,), "data": (str,), "metric": (str,), "expected": (int, float), "tolerance": (int, float),
    "command": (str,), "by": (str, int), "pooled": (bool,), "triples": (bool,), "foreign": (bool,), "seed": (int,), "limit": (int,),
}  # fmt: skip
_OPTIONAL = frozenset({"data", "by", "pooled", "triples", "foreign", "seed", "limit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One published figure.

    Args:
        id: unique among all claims.
        task: its name in the arena.
        recipe: its name in the arena.
        data: the file or folder, relative to the data root; empty for what is generated.
        metric: such as ``recall@10``.
        expected: the published mean.
        tolerance: how far a rerun may be off, absolute.
        command: what a reader types to get the figure.
        by: the category it is about; empty for all.
        options: how the task is run.
    """

    id: str
    task: str
    recipe: str
    data: str
    metric: str
    expected: float
    tolerance: float
    command: str
    by: str = ""
    options: Options = Options()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rerun said about a claim.

    Args:
        claim: the claim.
        status: ``OK`` within its tolerance, ``NEAR`` within two, else ``FAIL``; ``SKIP`` when it could not be run.
        measured: the mean of the rerun; None when there is none.
        reason: why it was skipped or failed; empty otherwise.
    """

    claim: Claim
    status: Status
    measured: float | None = None
    reason: str = ""

    def to_plain(self) -> dict[str, object]:
        """Return the verdict as JSON values."""
        return {
            "id": self.claim.id,
            "status": self.status,
            "task": self.claim.task,
            "recipe": self.claim.recipe,
            "metric": self.claim.metric,
            "by": self.claim.by,
            "expected": self.claim.expected,
            "tolerance": self.claim.tolerance,
            "measured": self.measured,
            "reason": self.reason,
            "command": self.claim.command,
        }


def read_claims(folder: Path) -> list[Claim]:
    """Read every ``*.yaml`` of a folder, or one file, in order of name.

    Raises:
        InvalidInput: a file is not in the form above; every bad field is named.
    """
    files = [folder] if folder.is_file() else sorted(folder.glob("*.yaml"))
    if not files:
        raise InvalidInput({"claims": f"no *.yaml in {folder}; give the folder that holds the claims"})
    claims: list[Claim] = []
    problems: dict[str, str] = {}
    for file in files:
        for number, row in enumerate(_rows(file)):
            bad = _problems(row)
            if bad:
                problems.update({f"{file.name}, claim {number + 1}, {name}": text for name, text in bad.items()})
            else:
                claims.append(_claim(row))
    repeated = {claim.id for claim in claims if sum(other.id == claim.id for other in claims) > 1}
    problems.update({f"id {name}": "is used twice; give each claim its own" for name in sorted(repeated)})
    if problems:
        raise InvalidInput(problems)
    return claims


def _rows(file: Path) -> list[Any]:
    try:
        import yaml
    except ImportError:
        raise MissingExtra("reading claims", "arena") from None
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as broken:
        raise InvalidInput({file.name: f"is not YAML: {broken}"}) from None
    rows = content.get("claims") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise InvalidInput({file.name: "has no list named claims"})
    return rows


def _problems(row: Any) -> dict[str, str]:
    if not isinstance(row, dict):
        return {"": "is not a mapping of fields"}
    bad = {str(name): f"is not a field; known are {', '.join(_FIELDS)}" for name in row if name not in _FIELDS}
    for name, types in _FIELDS.items():
        if name not in row:
            if name not in _OPTIONAL:
                bad[name] = "is missing"
        elif not isinstance(row[name], types) or (bool not in types and isinstance(row[name], bool)):
            bad[name] = f"must be {' or '.join(kind.__name__ for kind in types)}, not {row[name]!r}"
    if not bad and "data" not in row and row["task"] not in measures.MEASURES:
        bad["data"] = "is missing"
    if not bad and row["tolerance"] <= 0:
        bad["tolerance"] = "must be above 0"
    return bad


def _claim(row: Mapping[str, Any]) -> Claim:
    options = Options(**{name: row[name] for name in ("pooled", "triples", "foreign", "seed", "limit") if name in row})
    plain = {name: row.get(name, "") for name in ("id", "task", "recipe", "data", "metric", "command")}
    return Claim(**plain, expected=float(row["expected"]), tolerance=float(row["tolerance"]), by=str(row.get("by", "")), options=options)


def verify(claims: Sequence[Claim], *, root: Path, tools: Tools, log: RunLog) -> list[Verdict]:
    """Rerun every claim and return the verdicts, in order; what the log has for this code and data is not run again.

    Args:
        claims: what is claimed.
        root: the data root.
        tools: as for runs.
        log: where the runs are logged.
    """
    measured: dict[tuple[object, ...], Mapping[str, float]] = {}
    return [
        _verify_measure(claim, root, measured) if claim.task in measures.MEASURES else _verify(claim, root, tools, log) for claim in claims
    ]


def _verify_measure(claim: Claim, root: Path, measured: dict[tuple[object, ...], Mapping[str, float]]) -> Verdict:
    """Return the verdict on a figure of a measure, which is run once for all claims on it."""
    places = (root / claim.data, Path(claim.data)) if claim.data else ()
    data = next((path for path in places if path.exists()), None)
    if places and data is None:
        return Verdict(claim=claim, status="SKIP", reason=f"no data at {places[0]}")
    first, count = claim.options.seed, claim.options.limit or SEEDS
    run = (claim.task, claim.recipe, data, first, count)
    if run not in measured:
        figures = measures.get_measure(claim.task)(range(first, first + count), data, claim.recipe)
        measured[run] = {figure.name: figure.value for figure in figures}
    if claim.metric not in measured[run]:
        raise InvalidInput({claim.id: f"measure {claim.task} has no figure {claim.metric!r}; it has {', '.join(measured[run])}"})
    return judge(claim, measured[run][claim.metric])


def _verify(claim: Claim, root: Path, tools: Tools, log: RunLog) -> Verdict:
    path = root / claim.data
    if not path.exists():
        return Verdict(claim=claim, status="SKIP", reason=f"no data at {path}")
    if claim.task.startswith(SIMULATED):
        return judge(claim, _simulated(claim, path, tools))
    task, recipe, metric = get_task(claim.task), get_recipe(claim.recipe), Metric.parse(claim.metric)
    if metric.name not in {known.name for known in task.metrics}:
        raise InvalidInput({claim.id: f"task {task.name} does not measure {metric.name}"})
    dataset = prepare(task.read(path, claim.options), claim.options)
    run = run_task(task, dataset, [recipe], options=claim.options, tools=tools, log=log)[0]
    failed = [record for record in run.records if record.error]
    if failed:
        return Verdict(claim=claim, status="FAIL", reason=f"{len(failed)} samples failed: {failed[0].error.strip().splitlines()[-1]}")
    table = summarise(task.metrics, run.records)
    table = table["by"].get(claim.by, {}) if claim.by else table
    if metric.name not in table:
        return Verdict(claim=claim, status="FAIL", reason=f"no question has gold for {metric.name} in {claim.by or 'the data'}")
    return judge(claim, table[metric.name]["mean"])


def _simulated(claim: Claim, path: Path, tools: Tools) -> float:
    policy, _, share = claim.recipe.partition("@")
    if not share or claim.metric not in MEASURES or claim.by not in ("", "of_unlimited"):
        raise InvalidInput({claim.id: f"must name policy@share, one of {', '.join(MEASURES)}, and nothing or of_unlimited as by"})
    task, limit = claim.task.removeprefix(SIMULATED), claim.options.limit
    held = _outcome(task, path, limit, policy, float(share), tools)
    if not claim.by:
        return held.mean(claim.metric).mean
    whole = _outcome(task, path, limit, UNLIMITED, 1.0, tools)
    return relative([held, whole], claim.metric)[held.policy, held.share]


@lru_cache(maxsize=32)
def _outcome(task: str, path: Path, limit: int | None, policy: str, share: float, tools: Tools) -> Outcome:
    """Return what a policy makes of a task; several claims are about one."""
    samples = get_task(task).read(path, Options(limit=limit)).samples
    return gathered([trial(sample, tools.embedder, policy, share) for sample in samples])[0]


def judge(claim: Claim, measured: float) -> Verdict:
    """Return the verdict on a measured figure."""
    # The slack keeps a figure that is off by exactly the tolerance on the good side of floating point.
    distance = abs(measured - claim.expected) - 1e-9
    if distance <= claim.tolerance:
        return Verdict(claim=claim, status="OK", measured=measured)
    status: Status = "NEAR" if distance <= NEAR_FACTOR * claim.tolerance else "FAIL"
    return Verdict(claim=claim, status=status, measured=measured, reason=f"off by {measured - claim.expected:+.4f}")
