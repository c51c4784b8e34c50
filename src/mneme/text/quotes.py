"""Finding a quotation in a text although spaces, case and typographic marks differ; never anything that was not written."""

from __future__ import annotations

_SAME = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "."}
_LEAST_CHARS = 2


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """Return where a quotation stands in a text, ``[start, end)``; None when the text does not have it.

    Runs of white space count as one space, quotation marks and dashes of any kind as the same, case does not count.

    Example:
        >>> locate("i don't  EAT meat", "Well, I don’t eat meat.")
        (6, 22)
        >>> locate("I eat meat", "Well, I don’t eat meat.") is None
        True
    """
    exact = text.find(quote)
    if quote.strip() and exact >= 0:
        return exact, exact + len(quote)
    folded, places = _folded(text)
    # As it is first; then without the marks that a model may have put around it.
    for form in (quote.strip(), quote.strip().strip("\"“”'‘’")):
        wanted, _ = _folded(form)
        start = folded.find(wanted)
        if len(wanted) >= _LEAST_CHARS and start >= 0:
            return places[start], places[start + len(wanted) - 1] + 1
    return None


def _folded(text: str) -> tuple[str, list[int]]:
    """Return a text in the form that is compared, and where each of its characters stands."""
    out: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        plain = _SAME.get(char, char)
        if plain.isspace():
            if out and out[-1] == " ":
                continue
            plain = " "
        for part in plain.casefold():
            out.append(part)
            places.append(place)
    return "".join(out), places
