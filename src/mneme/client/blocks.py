"""The blocks of a space on a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mneme import wire
from mneme.client.asking import Ask, given, part
from mneme.engine.blocks import Block, rendered


class RemoteBlocks:
    """Short texts that are always in context, on a server; see :class:`mneme.engine.blocks.Blocks`.

    Args:
        path: of the space's blocks.
        send: sends a request; with one that is to be awaited, so is every verb here.
    """

    def __init__(self, path: str, send: Callable[[Ask[Any]], Any]) -> None:
        self._path = path
        self._send = send

    def list(self) -> Sequence[Block]:
        """Return all blocks: persona, user, task, then others by name."""
        return self._send(Ask(method="GET", path=self._path, read=_blocks, repeatable=True))  # type: ignore[no-any-return]

    def get(self, name: str) -> Block:
        """Return a block.

        Raises:
            NotFound: there is none of that name.
        """
        return self._one("GET", name)

    def set(self, name: str, text: str, *, limit_chars: int | None = None) -> Block:
        """Write a block, made when there is none.

        Raises:
            InvalidInput: the text is empty or longer than the limit.
        """
        return self._one("PUT", name, given(text=text, limit_chars=limit_chars))

    def append(self, name: str, text: str) -> Block:
        """Add a line at the end of a block."""
        return self._one("PATCH", name, {"append": text})

    def replace(self, name: str, old: str, new: str) -> Block:
        """Replace a piece of a block that is in it exactly once; an empty ``new`` takes it out."""
        return self._one("PATCH", name, {"old": old, "new": new})

    def render(self) -> str:
        """Return all blocks as text for the top of a prompt."""
        read = lambda plain: rendered(_blocks(plain))  # noqa: E731
        return self._send(Ask(method="GET", path=self._path, read=read, repeatable=True))  # type: ignore[no-any-return]

    def _one(self, method: str, name: str, body: Any = None) -> Block:
        read = lambda plain: wire.decode(Block, plain)  # noqa: E731
        return self._send(Ask(method=method, path=f"{self._path}/{part(name)}", body=body, read=read, repeatable=method != "PATCH"))  # type: ignore[no-any-return]


def _blocks(plain: Any) -> Sequence[Block]:
    return [wire.decode(Block, one) for one in plain]
