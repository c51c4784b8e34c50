"""What the double puts on the wire: replies wrapped or broken as a fault says, and the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mneme.testing.examples import misfit_example

_PIECE_CHARS = 12


def events(body: Mapping[str, Any], kind: str, text: str, usage: dict[str, int]) -> Iterator[str]:
    """Yield the events of a streamed reply, broken as the fault says."""

    def event(choices: list[object], **more: object) -> str:
        base = {"id": "chat-double", "object": "chat.completion.chunk", "created": 1, "model": body.get("model", "")}
        return json.dumps({**base, "choices": choices, **more}, ensure_ascii=False)

    if kind == "bad_body":
        yield '{"id": "chat-double", "choices": [{"del'
        return
    if kind == "no_choices":
        yield "[DONE]"
        return
    yield event([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
    for start in range(0, len(text), _PIECE_CHARS):
        yield event([{"index": 0, "delta": {"content": text[start : start + _PIECE_CHARS]}, "finish_reason": None}])
    if kind == "no_end":
        return
    yield event([{"index": 0, "delta": {}, "finish_reason": finish_reason(kind)}])
    if body.get("stream_options", {}).get("include_usage") and kind != "no_usage":
        yield event([], usage={**usage, "total_tokens": sum(usage.values())})
    yield "[DONE]"


def finish_reason(kind: str) -> str:
    """Return why the model is said to have stopped."""
    return {"truncated": "length", "no_end": "length", "filtered": "content_filter"}.get(kind, "stop")


def spoiled(text: str, schema: Mapping[str, Any], kind: str) -> str:
    """Return a reply's text, wrapped or broken as the fault says."""
    match kind:
        case "invalid_json":
            return text[:-1] + ", oops" if len(text) > 1 else "{oops"
        case "wrong_schema":
            return json.dumps(misfit_example(schema))
        case "empty" | "filtered":
            return ""
        case "think":
            return f'<think>The user wants {{"x": 1}}? No.\nLet me see.</think>\n\n{text}'
        case "think_only":
            return f"<think>Let me see. {text}"
        case "fence":
            return f"```json\n{text}\n```"
        case "chatter":
            return f"Sure! Here is what you asked for:\n\n{text}\n\nTell me if you need more."
        case "truncated" | "no_end":
            return text[: max(len(text) // 2, 1)]
        case _:
            return text
