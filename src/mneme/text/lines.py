"""Names on one line: a name with a line break could pass for a line of somebody else's wherever it is shown."""

from __future__ import annotations

import re

_BREAKS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]+")


def is_one_line(text: str) -> bool:
    r"""Return whether a text has neither line breaks nor other control characters.

    Example:
        >>> is_one_line("Ana"), is_one_line("Ana\n[m2] 10:00 Bo"), is_one_line("Ana\u2028Bo")
        (True, False, False)
    """
    return text.isprintable() or _BREAKS.search(text) is None


def one_line(text: str) -> str:
    r"""Return a text with a space for each run of white space and control characters, when it is not one line already.

    Example:
        >>> one_line("Ana\n  Silva"), one_line("Ana Silva")
        ('Ana Silva', 'Ana Silva')
    """
    return text if is_one_line(text) else " ".join(_BREAKS.sub(" ", text).split())
