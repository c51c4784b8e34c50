"""Messages in portions that a small model can read, numbered, so that an answer can say which one it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mneme.core.records import Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A message, or a part of a long one, in a question.

    Args:
        number: how the model names it.
        episode: the whole message.
        start: where the part begins in the message's text.
        text: the part.
    """

    number: int
    episode: Episode
    start: int
    text: str


def batches(episodes: Sequence[Episode], most_messages: int, most_chars: int) -> Iterator[list[Line]]:
    """Yield portions in order; nothing is left out: a message that is too long comes in parts, cut at the end of a line or sentence."""
    batch: list[Line] = []
    length = 0
    for episode in episodes:
        for start, text in _parts(episode.text, most_chars):
            if batch and (len(batch) >= most_messages or length + len(text) > most_chars):
                yield batch
                batch, length = [], 0
            batch.append(Line(number=len(batch) + 1, episode=episode, start=start, text=text))
            length += len(text)
    if batch:
        yield batch


def _parts(text: str, most: int) -> Iterator[tuple[int, str]]:
    start = 0
    while len(text) - start > most:
        window = text[start : start + most]
        cut = max(window.rfind("\n"), window.rfind(". ") + 1, window.rfind("。") + 1)
        cut = cut if cut > most // 2 else max(window.rfind(" "), most // 2)
        yield start, text[start : start + cut]
        start += cut
    yield start, text[start:]


def numbered(lines: Sequence[Line], nameless: str) -> str:
    """Return the lines of a question: number, date, author, text."""
    return "\n".join(f"[{line.number}] {line.episode.at:%Y-%m-%d %H:%M} {line.episode.author or nameless}: {line.text}" for line in lines)
