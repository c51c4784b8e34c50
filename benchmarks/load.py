"""Load on a server over loopback: many clients, most of them asking, some telling, over many spaces.

Run ``make load``, or ``python -m benchmarks.load --seconds 10 --spaces 20`` for a quick look. The spaces are filled beforehand, without the
server; every question and every new text is embedded by the server, none is asked or told twice.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from mneme import Memory
from mneme.core.ports import FloatArray
from mneme.models.local import LocalEmbedder

_SERVE = ["--workers", str(os.cpu_count() or 1)]
TARGET_PER_S, TARGET_P95_MS = 300, 250
_PEOPLE = "Ana Bo Chen Dmitri Elif Femi Greta Hugo Ines Jonas Kaya Lena Musa Nadia Omar Priya Quentin Rosa Sven Tariq".split()
_DID = "bought lost found repaired sold painted borrowed cleaned ordered returned photographed measured hid gave away".split()
_THINGS = "a bicycle|the blue kettle|two concert tickets|an old map|the spare key|a wool coat|some seeds|the violin|a telescope".split("|")
_PLACES = "in Porto|near the station|at the market|behind the library|on the ferry|in the garden|at work|by the lake".split("|")
_WHEN = "this morning|on Tuesday|last week|before the storm|after dinner|in spring|during the trip|on her birthday".split("|")
_WHY = "because it was cheap|for the trip to Oslo|as a gift|since the other one broke|without telling anyone|for the new flat".split("|")


def sentences(seed: int) -> Iterator[str]:
    """Return sentences without end, hardly ever the same twice."""
    pick = random.Random(seed)
    while True:
        words = [pick.choice(part) for part in (_PEOPLE, _DID, _THINGS, _PLACES, _WHEN, _WHY)]
        yield f"{' '.join(words)}, for {pick.randrange(5, 5000)} crowns."


class Remembering:
    """The local embedder, which embeds a text of the seed once: the spaces share their texts, in another order and with other dates."""

    def __init__(self) -> None:
        self._inner = LocalEmbedder()
        self._known: dict[str, FloatArray] = {}
        self.identity, self.width, self.passages = self._inner.identity, self._inner.width, self._inner.passages

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors of texts."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._inner.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def fill(root: Path, spaces: int, memories: int) -> None:
    """Fill a root."""
    texts = [text for text, _ in zip(sentences(1), range(2 * memories), strict=False)]
    start = datetime(2024, 1, 1, tzinfo=UTC)
    with Memory(root, embedder=Remembering(), durability="normal") as memory:
        for number in range(spaces):
            pick = random.Random(number)
            told = [
                {"text": text, "author": pick.choice(_PEOPLE), "session": f"s{place // 20}", "at": start + timedelta(minutes=7 * place)}
                for place, text in enumerate(pick.sample(texts, memories))
            ]
            memory.space(f"space-{number}").remember(told)
            memory.space(f"space-{number}").close()


class Client:
    """One connection that sends a request and waits for its answer, again and again."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self._host, self._port = host, port
        self._head = f"Host: {host}:{port}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def post(self, path: str, body: dict[str, Any]) -> int:
        """Return the status of a call."""
        data = json.dumps(body).encode()
        self._writer.write(f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        return int(head[9:12])


async def run(args: argparse.Namespace, server: int, port: int, key: str) -> dict[str, Any]:
    """Load the server and return the figures."""
    took: dict[str, list[float]] = {"recall": [], "remember": []}
    statuses: Counter[int] = Counter()
    clients = [Client("127.0.0.1", port, key) for _ in range(args.clients)]
    for client in clients:
        await client.open()
    counted = False

    async def work(client: Client, seed: int, until: float) -> None:
        pick, texts = random.Random(seed), sentences(1000 + seed)
        while (start := time.perf_counter()) < until:
            verb = "remember" if pick.random() < args.writes else "recall"
            body = {"what": next(texts), "session": f"c{seed}"} if verb == "remember" else {"query": next(texts), "k": 10}
            status = await client.post(f"/v1/spaces/space-{pick.randrange(args.spaces)}/{verb}", body)
            if counted:
                statuses[status] += 1
                took[verb].append(time.perf_counter() - start)

    # Every process opens every space first; a server that runs for days does that once.
    warm_until = time.perf_counter() + args.warm
    await asyncio.gather(*(work(client, 100 + seed, warm_until) for seed, client in enumerate(clients)))
    counted, began, own = True, _cpu_s(server), time.process_time()
    until = time.perf_counter() + args.seconds
    await asyncio.gather(*(work(client, 1000 + seed, until) for seed, client in enumerate(clients)))
    spent, own = _cpu_s(server) - began, time.process_time() - own
    return {
        "clients": args.clients,
        "spaces": args.spaces,
        "memories": args.memories,
        "seconds": args.seconds,
        "requests": sum(statuses.values()),
        "per_s": round(sum(statuses.values()) / args.seconds, 1),
        "server_cores": round(spent / args.seconds, 2),
        "client_cores": round(own / args.seconds, 2),
        "server_cpu_ms_per_request": round(spent / sum(statuses.values()) * 1000, 2),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "all": _percentiles([*took["recall"], *took["remember"]]),
        "recall": _percentiles(took["recall"]),
        "remember": _percentiles(took["remember"]),
    }


def _cpu_s(server: int) -> float:
    """Return the processor time of the server and its workers so far; 0 where the system does not tell."""
    if not Path("/proc/self/stat").exists():
        return 0.0
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(stat.parent.name) == server or int(fields[1]) == server:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ms = np.array(seconds) * 1000
    return {f"p{share}_ms": round(float(np.percentile(ms, share)), 1) for share in (50, 95, 99, 100)} if len(ms) else {}


def main() -> int:
    """Fill, serve, load, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--spaces", type=int, default=100)
    parser.add_argument("--memories", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warm", type=float, default=15, help="seconds of the same load before the figures are taken")
    parser.add_argument("--writes", type=float, default=0.2)
    parser.add_argument("--root", type=Path, help="a root that was filled before; a new one is made if left out")
    parser.add_argument("--serve", nargs=argparse.REMAINDER, default=_SERVE, help="options of mneme serve, after all others")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = args.root or Path(folder)
        if not (root / "catalogue.sqlite").exists():
            start = time.perf_counter()
            fill(root, args.spaces, args.memories)
            print(f"filled {args.spaces} spaces of {args.memories} memories in {time.perf_counter() - start:.0f} s")
        key_command = [sys.executable, "-m", "mneme", "--root", str(root), "keys", "create", "load", "--rate", "1000000", "--json"]
        key = json.loads(subprocess.run(key_command, capture_output=True, text=True, check=True).stdout)["key"]
        serve = [sys.executable, "-m", "mneme", "--root", str(root), "serve", "--port", "0", "--log-level", "warning", *args.serve]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = int(server.stdout.readline().rsplit(":", 1)[1].split()[0])
            try:
                figures = asyncio.run(run(args, server.pid, port, key))
            finally:
                server.terminate()
    print(json.dumps(figures, indent=1))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    failed = any(int(status) >= 500 for status in figures["statuses"])
    met = figures["per_s"] >= TARGET_PER_S and figures["all"]["p95_ms"] < TARGET_P95_MS and not failed
    print(f"target: {TARGET_PER_S} requests/s, p95 below {TARGET_P95_MS} ms, no 5xx: {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
