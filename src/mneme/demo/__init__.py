"""The demonstration: a conversation written for it, and the story that is told with it."""

from mneme.demo.story import SPACE, Call, Scene, conversation, story

__all__ = ["SPACE", "Call", "Scene", "conversation", "story"]
