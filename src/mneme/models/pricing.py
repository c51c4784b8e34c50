"""What models cost: the caller's own table first, then the price list that comes with the provider library.

A price that is not known stays unknown (None); it is never taken for 0. Models that run on the caller's own machine through Ollama cost
nothing per token.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from mneme.core.errors import InvalidInput

# Our provider names where the price list has others.
_LISTED_AS = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "gemini": "google",
    "google-cloud": "google",
    "xai": "x-ai",
    "bedrock": "aws",
}
_FREE = {"ollama": "runs on the caller's machine", "scripted": "a scripted model makes no calls"}
_UNLISTED = ("openai-compatible", "lmstudio", "llamacpp", "vllm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of a model.

    Args:
        input_usd_per_mtok: dollars for a million input tokens.
        output_usd_per_mtok: dollars for a million output tokens.
        cached_usd_per_mtok: dollars for a million input tokens read from the provider's cache; None is as input.
        as_of: the day on which the price was looked up.
    """

    input_usd_per_mtok: float
    output_usd_per_mtok: float
    cached_usd_per_mtok: float | None = None
    as_of: date | None = None

    def __post_init__(self) -> None:
        values = {
            "input_usd_per_mtok": self.input_usd_per_mtok,
            "output_usd_per_mtok": self.output_usd_per_mtok,
            "cached_usd_per_mtok": self.cached_usd_per_mtok or 0.0,
        }
        problems = {name: f"is {value}; prices are numbers of at least 0" for name, value in values.items() if not value >= 0}
        if problems:
            raise InvalidInput(problems)

    def cost(self, *, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        """Return dollars for a call; ``cached_tokens`` are part of ``input_tokens``."""
        cached_price = self.input_usd_per_mtok if self.cached_usd_per_mtok is None else self.cached_usd_per_mtok
        fresh = (input_tokens - cached_tokens) * self.input_usd_per_mtok
        return (fresh + cached_tokens * cached_price + output_tokens * self.output_usd_per_mtok) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Prices by model identity.

    Args:
        prices: ``"provider:model"`` -> price; ``*`` stands for anything, as in ``"openai:gpt-5*"``. The longest pattern that fits wins,
            and any that fits outranks the list of the provider library.
        listed: whether to look in the list of the provider library (the ``genai-prices`` package, whose version is its date).

    Example:
        >>> table = PriceTable(prices={"openai-compatible:*": Price(input_usd_per_mtok=1.0, output_usd_per_mtok=4.0)})
        >>> table.cost("openai-compatible:mine", input_tokens=1_000_000, output_tokens=500_000)
        3.0
    """

    prices: Mapping[str, Price] = field(default_factory=dict)
    listed: bool = True

    @classmethod
    def from_toml(cls, path: Path) -> PriceTable:
        """Read a table: ``as_of = 2026-11-01`` and ``[prices."provider:model"]`` sections with the fields of :class:`Price`.

        Raises:
            InvalidInput: the file can't be read, or a key is unknown or missing; names all of them.
        """
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise InvalidInput({"prices": f"{path} can't be read: {problem}"}) from problem
        problems = {key: "is unknown; a price file has as_of and prices" for key in data if key not in ("as_of", "prices")}
        prices = {}
        for model, fields in data.get("prices", {}).items():
            try:
                prices[model] = Price(**{"as_of": data.get("as_of"), **fields})
            except TypeError as problem:
                problems[f'prices."{model}"'] = str(problem).replace("Price.__init__() ", "")
        if problems:
            raise InvalidInput(problems)
        return cls(prices=prices)

    def cost(
        self, model: str, *, input_tokens: int, output_tokens: int, cached_tokens: int = 0, at: datetime | None = None
    ) -> float | None:
        """Return dollars for a call, None when the price is not known.

        Args:
            model: the model's identity; what follows ``@`` (an address) is ignored except that an ``@`` makes list prices unknown.
            input_tokens: all of the call's input tokens.
            output_tokens: the call's output tokens.
            cached_tokens: the part of the input tokens that was read from the provider's cache.
            at: when the call was made; list prices change over time.
        """
        name, at_address, _ = model.partition("@http")
        own = self._own(name)
        if own is not None:
            return own.cost(input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=cached_tokens)
        provider, _, local_name = name.partition(":")
        if provider in _FREE and not local_name.endswith("-cloud") and "ollama.com" not in model:
            return 0.0
        if not self.listed or at_address or provider in _UNLISTED:
            return None
        return _listed_cost(provider, local_name, input_tokens, output_tokens, cached_tokens, at)

    def source(self, model: str) -> str:
        """Return where the price of a model comes from and of when it is, ``"unknown"`` when nowhere."""
        name = model.partition("@http")[0]
        own = self._own(name)
        if own is not None:
            return f"own table{f' of {own.as_of}' if own.as_of else ''}"
        cost = self.cost(model, input_tokens=1, output_tokens=1)
        if cost is None:
            return "unknown"
        return _FREE.get(name.partition(":")[0]) or f"genai-prices {metadata.version('genai-prices')}"

    def _own(self, name: str) -> Price | None:
        fitting = [pattern for pattern in self.prices if fnmatchcase(name, pattern)]
        return self.prices[max(fitting, key=lambda pattern: (pattern == name, len(pattern)))] if fitting else None


def _listed_cost(provider: str, model: str, input_tokens: int, output_tokens: int, cached_tokens: int, at: datetime | None) -> float | None:
    if not _is_listed(provider, model):
        return None
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens, cache_read_tokens=cached_tokens)
    found = calc_price(usage, model, provider_id=_LISTED_AS.get(provider, provider), genai_request_timestamp=at)
    return float(found.total_price)


@lru_cache(maxsize=1024)
def _is_listed(provider: str, model: str) -> bool:
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return False  # the price list comes with the llm extra; without it a price is simply not known
    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model, provider_id=_LISTED_AS.get(provider, provider))
    except LookupError:
        return False
    return True
