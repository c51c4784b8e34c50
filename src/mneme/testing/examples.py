"""Objects made from JSON schemas: one that fits, one that does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BY_FORMAT = {
    "date-time": "2024-01-01T00:00:00Z",
    "date": "2024-01-01",
    "time": "00:00:00Z",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_MAX_DEPTH = 12


def fitting_example(schema: Mapping[str, Any]) -> Any:
    """Return the plainest value that fits a JSON schema as pydantic writes them: empty lists, short texts, first choices.

    Example:
        >>> fitting_example({"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]})
        {'n': 3}
    """
    return _example(schema, schema.get("$defs", {}), 0)


def misfit_example(schema: Mapping[str, Any]) -> Any:
    """Return an object with every property of the schema in a type that it can't have."""
    properties = _resolve(schema, schema.get("$defs", {})).get("properties", {})
    return {name: {"unexpected": [None]} for name in properties} or {"unexpected": [None]}


def _resolve(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = defs[schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _example(schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int) -> Any:
    schema = _resolve(schema, defs)
    if depth > _MAX_DEPTH:
        return None
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _example(schema[choice][0], defs, depth + 1)
    match schema.get("type"):
        case "object":
            return {name: _example(part, defs, depth + 1) for name, part in schema.get("properties", {}).items()}
        case "array":
            return _array(schema, defs, depth)
        case "string":
            return _BY_FORMAT.get(schema.get("format", ""), "x" * max(schema.get("minLength", 1), 1))
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        case "boolean":
            return False
        case _:
            return None


def _array(schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int) -> list[Any]:
    fixed = [_example(part, defs, depth + 1) for part in schema.get("prefixItems", ())]
    missing = schema.get("minItems", 0) - len(fixed)
    return fixed + [_example(schema.get("items", {}), defs, depth + 1) for _ in range(missing)]
