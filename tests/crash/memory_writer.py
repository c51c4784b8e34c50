"""A process that remembers, revises, erases and undoes through the public API until it is killed; started by the crash tests."""

from __future__ import annotations

import os
import sys

import mneme


def main(folder: str, first: int) -> None:
    memory = mneme.Memory(folder, embedder="hash:64")
    space = memory.space("crash")
    os.write(1, b"open\n")
    for number in range(first, first + 100_000):
        receipt = space.remember([f"message {number} one", f"message {number} two"], key=f"key {number}", session="s")
        os.write(1, f"kept {number} {' '.join(receipt.ids)}\n".encode())
        if number % 3 == 0:
            space.revise(receipt.ids[0], f"message {number} anew")
            os.write(1, f"revised {number} {receipt.ids[0]}\n".encode())
        if number % 5 == 0:
            os.write(1, f"erasing {number} {receipt.ids[1]}\n".encode())
            space.forget(receipt.ids[1], erase=True)
            os.write(1, f"erased {number} {receipt.ids[1]}\n".encode())
        if number % 4 == 0:
            space.undo(entry=space.forget(receipt.ids[0]).entry)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
