"""Standing instructions: what somebody asks of every answer to come ("always answer in French"), told from what they say of themselves.

The patterns are of English: in other languages nothing counts as an instruction.
"""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"[.!?;:\n]+\s*|,\s+(?:and|but|so|then)\s+|,\s+")
_QUESTION = re.compile(r"[^.!?;:,\n]*\?")
_OPENING = re.compile(
    r"^(?:(?:please|and|but|so|also|then|now|ok|okay|just|well|oh|hey|you\s+(?:should|must|can|may|will))\b\s*)+", re.IGNORECASE
)
_PAST = (
    r"went|came|got|took|made|said|told|felt|found|gave|left|kept|became|began|saw|ate|drank|slept|wrote|spoke|ran|met|lost|won|bought|brought"
    r"|caught|taught|understood|forgot|fell|flew|grew|held|paid|sold|sent|spent|stood|swam|woke|wore|could|would|might|knew|known|thought"
    r"|heard|seen|gone|done|taken|been|had|was|were|did"
)
_NO_ORDER = (  # past forms and gerunds, but not verbs that only look like them
    rf"(?:(?:{_PAST})\b|(?!(?:embed|feed|need|heed|seed|speed|shed|shred|exceed|proceed|succeed)\b)\w+ed\b|(?!(?:br|s|r|sw|fl|cl)ing\b)\w+ing\b)"
)
_ORDER = re.compile(
    rf"(?:always|never)\s+(?!{_NO_ORDER}|(?:mind|again|have|has|is|are|am|nice|great|good|fun|happy|love|hate|need|want|a|an|the)\b)[a-z]"
    r"|(?:do\s+not|don['’]t)\s+(?!(?:know|think|worry|care|remember|understand|really|you|we|i|they|like|want|have|get\s+me\s+wrong)\b)[a-z]"
    r"|make\s+sure\b|remember\s+to\b|stop\s+\w+ing\b|(?:answer|reply|respond|write)\s+(?:in|with|me)\b"
    r"|remember\s+that\s+(?:(?:i|my|we|our|you|your|he|his|she|her|it|they|their|the|there|all|every|no)\b|(?-i:[A-Z]))",
    re.IGNORECASE,
)
_WHENEVER = re.compile(
    r"\bwhenever\s+(?:i|you|we)\s+\w[^,.!?;:\n]*,\s+(?:(?:then|please|always|never)\s+)*(?:you\s+(?:should|must|can|may|will)\b"
    rf"|(?!{_NO_ORDER}|\w+ly\b|(?:i|we|he|she|it|they|you|my|our|your|his|her|its|their|the|a|an|there|that|this|these|those|some|every\w*"
    r"|no|nobody|nothing|people|all|and|or|but|even|in|at|on|for|with|is|was|what|who|why|how|do|does|can|could|would|which)\b)(?-i:[a-z]))",
    re.IGNORECASE,
)
_ANYWHERE = re.compile(
    r"\bfrom\s+now\s+on\b|\bplease\s+(?:answer|reply|write|use|keep|call|avoid|do|never|always)\b|\b(?:answer|reply)\s+in\s+[A-Z]"
    r"|\b(?:i\s+want|i['’]d\s+like)\s+you\s+to\b|\byou\s+(?:should|must)\s+(?:always|never)\b"
)


def instructs(text: str) -> bool:
    """Return whether a text, in English, asks for something that is to hold from then on.

    Example:
        >>> [instructs(text) for text in ("Always call me Ana.", "I never liked fish.", "I don't know.", "And please use metres.")]
        [True, False, False, True]
    """
    lowered = re.sub(r"\b(?:From|Please|I|You)\b", lambda found: found[0].casefold(), text)
    if _ANYWHERE.search(lowered) or _WHENEVER.search(text):
        return True
    told = _QUESTION.sub("", text)
    return any(_ORDER.match(_OPENING.sub("", clause.strip())) for clause in _CLAUSE.split(told))
