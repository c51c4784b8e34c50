"""A process that writes until it is killed, and says on its output what was acknowledged; started by the crash tests."""

from __future__ import annotations

import os
import sys

from mneme.core.operations import Erase, Keep, Observe, Operation, Revise
from mneme.stores.samples import batch, episode, memory, memory_id
from mneme.stores.sqlite import SQLiteRoot


def main(folder: str, first: int, rounds: int) -> None:
    store = SQLiteRoot(folder).open("crash")
    os.write(1, b"open\n")
    for number in range(first, first + rounds):
        text = f"message {number} " + "with some length " * (number % 40)
        operations: list[Operation] = [Observe(episode=episode(number, text)), Keep(memory=memory(number, text, episodes=(number,)))]
        if number % 3 == 0:
            operations.append(Revise(id=memory_id(number), text=text + "again"))
        store.apply(batch(*operations, minutes=number, key=f"key {number}"))
        os.write(1, f"kept {number}\n".encode())
        if number % 7 == 0:
            store.apply(batch(Erase(id=memory_id(number)), minutes=number))
            os.write(1, f"erased {number}\n".encode())
            if number % 21 == 0:
                store.scrub()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
