"""What a person's terminal gets to see: a remembered text can hold control characters, and they must not steer the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.measure import Measurement
from rich.segment import Segment

_STEERING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f]")
_SHOWN_AS = "\ufffd"


def visible(text: str) -> str:
    r"""Return a text with a mark for each control character but tabs and line ends.

    Example:
        >>> visible("\x1b[2J wiped\n")
        '\ufffd[2J wiped\n'
    """
    return _STEERING.sub(_SHOWN_AS, text)


class Visible(RenderHook):
    """Lets a console print texts without the control characters in them; its own colours stay."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Return what is printed instead."""
        return [_Visible(each) for each in renderables]


class _Visible:
    def __init__(self, inner: ConsoleRenderable) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        segments: Iterable[Segment] = console.render(self._inner, options)
        for segment in segments:
            yield segment if segment.control else Segment(visible(segment.text), segment.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._inner)
