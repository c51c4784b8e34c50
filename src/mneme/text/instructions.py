"""Standing instructions: what somebody asks of every answer to come ("always answer in French"), told from what they say of themselves."""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"[.!?;:\n]+\s*|,\s+(?:and|but|so|then)\s+|,\s+")
_OPENING = re.compile(
    r"^(?:(?:please|and|but|so|also|then|now|ok|okay|just|well|oh|hey|you\s+(?:should|must|can|may|will))\b\s*)+", re.IGNORECASE
)
_ORDER = re.compile(
    r"(?:always|never)\s+(?!(?:mind|again|been|had|was|were|have|has|heard|seen|knew|known|thought|did|nice|great|good|fun|happy|love|a|an|the)\b)"
    r"[a-z]"
    r"|(?:do\s+not|don['’]t)\s+(?!(?:know|think|worry|you|we|i|they|like|want|have|get\s+me\s+wrong)\b)[a-z]|make\s+sure\b"
    r"|remember\s+(?:to|that)\b|stop\s+\w+ing\b|(?:answer|reply|respond|write)\s+(?:in|with|me)\b|whenever\s+(?:i|you|we)\s+\w+",
    re.IGNORECASE,
)
_ANYWHERE = re.compile(
    r"\bfrom\s+now\s+on\b|\bplease\s+(?:answer|reply|write|use|keep|call|avoid|do|never|always)\b|\b(?:answer|reply)\s+in\s+[A-Z]"
    r"|\b(?:i\s+want|i['’]d\s+like)\s+you\s+to\b|\byou\s+(?:should|must)\s+(?:always|never)\b"
)


def instructs(text: str) -> bool:
    """Return whether a text asks for something that is to hold from then on.

    Example:
        >>> [instructs(text) for text in ("Always call me Ana.", "I never liked fish.", "I don't know.", "And please use metres.")]
        [True, False, False, True]
    """
    lowered = re.sub(r"\b(?:From|Please|I|You)\b", lambda found: found[0].casefold(), text)
    if _ANYWHERE.search(lowered):
        return True
    return any(_ORDER.match(_OPENING.sub("", clause.strip())) for clause in _CLAUSE.split(text))
