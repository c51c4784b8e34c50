"""Finding and reading what a path holds: one file, a zip archive of an export, or a folder of notes."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import orjson

from mneme.core.errors import InvalidInput, StorageError
from mneme.importers.item import REPLACEMENT, Report

_CONVERSATIONS = re.compile(r"conversations[\w-]*\.json")
_NOTES = (".md", ".markdown", ".txt")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file to be read.

    Args:
        path: the file, or the archive that holds it.
        name: what reports and refs call it; unique within one reading.
        member: its name inside the archive; None for a file of its own.
    """

    path: Path
    name: str
    member: str | None = None

    @property
    def suffix(self) -> str:
        """The ending of its name in lower case, such as ``.json``."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def stem(self) -> str:
        """Its name without the ending, folders of a folder reading included."""
        return str(PurePosixPath(self.name).with_suffix(""))

    def head(self, size: int = 65_536) -> bytes:
        """Return the first bytes."""
        with self._open() as file:
            return file.read(size)

    def text(self, report: Report) -> str:
        """Return the whole text; bytes that are not UTF-8 are replaced and counted."""
        with self._open() as file:
            return _decode(file.read(), report)

    def json(self, report: Report) -> Any:
        """Return the parsed JSON.

        Raises:
            InvalidInput: it is not JSON; the message says where it breaks off.
        """
        with self._open() as file:
            data = file.read()
        return parse_json(data, self.name, report)

    def lines(self, report: Report) -> Iterator[tuple[int, str]]:
        """Yield line numbers, from 1, and lines without their ends; the file is never held whole."""
        if self.head(2) in _UTF16:
            yield from enumerate(self.text(report).splitlines(), start=1)
            return
        with self._open() as file:
            for number, line in enumerate(file, start=1):
                yield number, _decode(line, report).rstrip("\r\n")

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        try:
            if self.member is None:
                with self.path.open("rb") as file:
                    yield file
            else:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as member:
                    yield member
        except PermissionError as error:
            raise InvalidInput({"path": f"{self.path} may not be read by this user; change its permissions"}) from error
        except zipfile.BadZipFile as error:
            raise InvalidInput({"path": f"{self.path} is a damaged zip archive; download the export again"}) from error
        except OSError as error:
            raise StorageError(f"path: reading {self.path} failed ({error.strerror or error}); check the disk") from error


def parse_json(data: bytes, name: str, report: Report) -> Any:
    """Return parsed JSON, as lenient with text as Python is; lone surrogates stay for :meth:`Report.clean`.

    Raises:
        InvalidInput: it is not JSON.
    """
    try:
        return orjson.loads(data.removeprefix(_BOM))
    except orjson.JSONDecodeError:
        # orjson refuses lone surrogates and stray bytes; such a file is slower to read, not worthless.
        text = _decode(data, report)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        problem = f"{name} is not whole JSON ({error.msg} at {where}); is the file truncated, or of another --format?"
        raise InvalidInput({"path": problem}) from error
    except RecursionError as error:
        raise InvalidInput({"path": f"{name} is nested too deeply to be a conversation; check the file"}) from error


def _decode(data: bytes, report: Report) -> str:
    if data[:2] in _UTF16:
        return data.decode("utf-16", errors="replace")
    data = data.removeprefix(_BOM)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", errors="replace")
        report.replaced += text.count(REPLACEMENT) - data.count(REPLACEMENT.encode())
        return text


def sources(path: Path) -> list[Source]:
    """Return the files that a path stands for: itself, the conversations in an archive, or a folder's export or notes.

    Raises:
        InvalidInput: nothing is there, or nothing that can be read.
    """
    if path.is_dir():
        return _in_folder(path)
    if not path.exists():
        raise InvalidInput({"path": f"there is no file {path}; check the spelling"})
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return _in_archive(path)
    return [Source(path=path, name=path.name)]


def _in_folder(folder: Path) -> list[Source]:
    exported = [file for file in sorted(folder.iterdir()) if _CONVERSATIONS.fullmatch(file.name)]
    notes = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in _NOTES and file.is_file()]
    # A dotted folder (.git, .obsidian) is some program's own.
    notes = [file for file in notes if not any(part.startswith(".") for part in file.relative_to(folder).parts)]
    found = [Source(path=file, name=file.relative_to(folder).as_posix()) for file in exported or notes]
    if not found:
        raise InvalidInput({"path": f"{folder} holds no conversations.json and no .md or .txt files; name a file"})
    return found


def _in_archive(path: Path) -> list[Source]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(archive.namelist())
    except zipfile.BadZipFile as error:
        raise InvalidInput({"path": f"{path} is a damaged zip archive; download the export again"}) from error
    found = [name for name in names if _CONVERSATIONS.fullmatch(PurePosixPath(name).name)]
    if not found:
        raise InvalidInput({"path": f"{path} holds no conversations.json; unpack it and name the file to import"})
    return [Source(path=path, name=name, member=name) for name in found]
