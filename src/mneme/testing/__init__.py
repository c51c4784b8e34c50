"""What tests need instead of a model: scripted answers, recorded answers, and a server on loopback that fails on demand."""

from mneme.testing.double import ChatRequest, OpenAIDouble, Served
from mneme.testing.faults import FAULT_KINDS, Fault, FaultKind, FaultMix
from mneme.testing.replay import NotRecorded, RecordReplayLLM
from mneme.testing.scripted import ScriptedLLM

__all__ = [
    "FAULT_KINDS",
    "ChatRequest",
    "Fault",
    "FaultKind",
    "FaultMix",
    "NotRecorded",
    "OpenAIDouble",
    "RecordReplayLLM",
    "ScriptedLLM",
    "Served",
]
