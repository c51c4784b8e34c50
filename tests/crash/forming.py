"""A worker that does deferred work until it is killed; started by the crash tests. It says on its output that it has begun."""

from __future__ import annotations

import os
import sys
import time

from mneme import Memory
from mneme.models.llm import ProviderLLM
from mneme.models.settings import LLMSettings


def main(folder: str, url: str) -> None:
    settings = LLMSettings(backoff_s=0.01, backoff_cap_s=0.02, timeout_s=10)
    llm = ProviderLLM(f"openai-compatible:test@{url}", api_key="x", settings=settings)
    with Memory(folder, embedder="hash", llm=llm, background=False, durability="normal") as memory:
        os.write(1, b"open\n")
        while True:
            memory.space("work").drain()
            time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
