"""The engine: ``Memory`` holds spaces under one root with the models, the recipe and the clock that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from mneme.core.clock import Clock, SystemClock
from mneme.core.composing import resolve
from mneme.core.errors import CorruptStore, InvalidInput, MnemeError, NotFound, Refused
from mneme.core.ids import Ids
from mneme.core.llm import LLM, Ledger, Total
from mneme.core.ports import Embedder, Listener, Root, Telling
from mneme.core.query import Filter, Recall
from mneme.core.recipe import Recipe
from mneme.core.trace import Trace
from mneme.engine import backups, choosing, keeping, merging, naming, prepare, recalling
from mneme.engine.jobs import WorkerThread
from mneme.engine.keeping import Triggers
from mneme.engine.opened import Opened, Pool
from mneme.engine.places import open_ledger, open_root
from mneme.engine.uses import Uses
from mneme.space import Space
from mneme.text.analyser import Analyser

Durability = Literal["full", "normal"]

DEFAULT_OPEN_BYTES = 2 * 2**30


class Memory:
    """The memory of one or many agents: spaces under one root.

    Args:
        root: a folder (made when missing), ``":memory:"`` for one that lasts as long as the object, or None for the platform's data
            folder (the environment variable ``MNEME_ROOT`` overrides that).
        embedder: the embedding model, as ``"local"``, ``"provider:model"`` or an object.
        recipe: the memory design: a name, the path of a TOML file, or a value. It is stored with each space that is used; a space that
            was formed by another one is formed anew in the background. None takes the recipe stored with the space, else ``default``.
        durability: ``"full"`` survives a power cut; ``"normal"`` is faster and survives a crash of the process, but may lose the last
            writes when the machine loses power.
        llm: the language model, as ``"provider:model"`` or an object; None works by rule.
        background: with a model, do deferred work in a thread of this process; False leaves it to ``drain`` and ``mneme worker``.
        language: the language of the texts, such as ``"de"``; None detects it text by text.
        max_open_bytes: how much memory open spaces may take; the least recently used is closed first.
        triggers: when the background worker looks after a space by itself (:meth:`Space.upkeep`); None leaves that to callers.
        actor: who the journal names for changes made through this object.
        clock, seed: time and randomness, for tests and simulations.

    Example:
        >>> with Memory(":memory:", embedder="hash") as memory:
        ...     memory.space("alice").remember("The spare key is under the blue pot.").ids[0][:4]
        'mem_'
    """

    def __init__(
        self,
        root: str | Path | None = None,
        *,
        embedder: str | Embedder = "local",
        recipe: str | Path | Recipe | None = None,
        durability: Durability = "full",
        llm: str | LLM | None = None,
        background: bool = True,
        language: str | None = None,
        max_open_bytes: int = DEFAULT_OPEN_BYTES,
        triggers: Triggers | None = None,
        actor: str = "",
        clock: Clock | None = None,
        seed: int | None = None,
    ) -> None:
        from mneme.models.embedder import resolve_embedder

        self.clock: Clock = clock or SystemClock()
        self.embedder = resolve_embedder(embedder)
        self.analyser = Analyser(language)
        self.recipe: Recipe = resolve("default" if recipe is None else recipe)
        self._fixed_recipe = recipe is not None
        self.ids = Ids(self.clock, seed)
        self.actor = actor
        self.uses = Uses()
        self._triggers = triggers
        self.repaired: set[tuple[str, str]] = set()
        self._made_llm = isinstance(llm, str)
        self._ledger = open_ledger(root) if self._made_llm else None
        self.llm: LLM | None = _language_model(llm, self._ledger)
        self._background = background
        self._worker = WorkerThread(self._work)
        self._root: Root = open_root(root, durability)
        self._pool = Pool(self._root, self.embedder, max_open_bytes, self.analyser)

    def space(self, name: str = "default") -> Space:
        """Return the space of that name; it is made by the first write into it.

        Raises:
            InvalidInput: the name is empty, longer than 200 characters, or holds control characters.
        """
        problem = prepare.text_problem(name)
        if problem is None and (not name.strip() or len(name) > 200 or any(ord(c) < 32 for c in name)):
            problem = "must have 1 to 200 characters and no control characters"
        if problem:
            raise InvalidInput({"space": problem})
        return Space(self, name)

    def spaces(self) -> list[str]:
        """Return the names of all spaces, sorted."""
        return self._root.spaces()

    def recall(
        self,
        query: str,
        *,
        spaces: Sequence[str],
        k: int | None = None,
        budget_tokens: int | None = None,
        filters: Filter | Mapping[str, Any] | None = None,
        kinds: Sequence[str] = (),
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        explain: bool = False,
    ) -> Recall:
        """Ask several spaces and merge their hits fairly.

        Each space keeps its own order, and they interleave by evidence that is comparable between them
        (:mod:`mneme.engine.merging`). Arguments as for :meth:`Space.recall`.

        Raises:
            NotFound: one of the spaces does not exist.
        """
        asked = recalling.check(query, k, budget_tokens, naming.as_filter(filters, kinds), as_of, known_at, explain)
        trace = Trace(id=self.ids.new("tr"), verb="recall")
        found = []
        for name in dict.fromkeys([spaces] if isinstance(spaces, str) else spaces):
            with self._pool.use(self.space(name).name, create=False, steady=True) as opened:
                found.append(self._reader(name, opened).recall(replace(asked, k=asked.wanted), trace))
        return merging.merge(asked, found, self.recipe.packer, self.embedder, self.analyser, trace)

    def drop(self, space: str) -> None:
        """Remove a space with everything in it, its journal too; one whose file is damaged can be removed as well.

        Raises:
            NotFound: there is no such space.
            Refused: a legal hold of its policies protects something in it, or may protect what can't be read any more.
            StorageError: whether it has a legal hold can't be told now: it is busy, out of reach, or of a newer mneme.
        """
        if space not in self._root.spaces():
            raise NotFound("space", space)
        self._check_drop(space)
        self._pool.drop(space)
        self._root.drop(space)

    def _check_drop(self, space: str) -> None:
        """Refuse to drop what a legal hold protects; of a damaged space, where it has a hold at all that can be read."""
        policies = ""
        try:
            with self._pool.use(space, create=False, any_model=True) as opened:
                policies = opened.store.meta().get(keeping.POLICIES, "")
                keeping.check_drop(opened.store, self.clock.now())
        except (CorruptStore, InvalidInput) as error:
            if keeping.may_hold(policies, self.clock.now()):
                raise Refused(
                    f"space {space!r}: its policies have a legal hold, and what it protects can't be told ({error});"
                    " take the hold out of the policies to drop the space"
                ) from error

    def listen(self) -> Listener | None:
        """Return a listener to the changes of every space, other machines' included; None where the root does not tell of them.

        Raises:
            StorageError: the root can't be reached.
        """
        return self._root.listen() if isinstance(self._root, Telling) else None

    def has_space(self, name: str) -> bool:
        """Return whether there is a space of that name; cheap when it is open."""
        return self._pool.has(name) or name in self._root.spaces()

    def spending(self, *, day: date | None = None, space: str | None = None, role: str | None = None) -> Total:
        """Return what model calls cost so far, failed and retried ones included; kept across restarts for a model given by name.

        Args:
            day: a UTC day; None takes all.
            space, role: for whom, and for what; None takes all.
        """
        ledger = getattr(self.llm, "ledger", None) or self._ledger
        return Total() if ledger is None else ledger.total(day=day, space=space, role=role)

    def restore_backup(self, path: str | Path, space: str) -> int:
        """Make a space out of a backup (:meth:`Space.backup`), verified first, and return how many memories it holds.

        Raises:
            InvalidInput: there is no such file, or this memory keeps no files.
            Conflict: there is a space of that name.
            CorruptStore: the backup is damaged; nothing was made.
        """
        return backups.restore_backup(self._root, Path(path), self.space(space).name)

    def open_spaces(self) -> list[str]:
        """Return the names of the spaces that are open now, least recently used first."""
        return self._pool.names()

    def close(self) -> None:
        """Stop the worker, close every space and the root; closing twice is fine."""
        self._worker.stop()
        self._leave_uses()
        self._pool.close()
        self._root.close()
        # A model that was given as an object is its owner's to close.
        for made in (self.llm, self._ledger) if self._made_llm else ():
            close = getattr(made, "close", None)
            if close is not None:
                close()

    def is_due(self, space: str, triggers: Triggers) -> bool:
        """Return whether it is time to look after a space; a space that is not there never is."""
        with self._pool.use(space, create=False, or_empty=True, any_model=True) as opened:
            return triggers.pull(opened.store, self.clock.now())

    def _leave_uses(self) -> None:
        """Leave the recalls since the last pass for the next one, whichever process does it; a space that can't be written goes without."""
        for name in self.uses.spaces():
            with suppress(MnemeError), self._pool.use(name, create=False, any_model=True) as opened:
                self.uses.keep(name, opened.store)

    def notice(self, space: str) -> None:
        """Have the background worker look at a space's deferred work."""
        if self._background:
            self._worker.notice([space])

    def recipe_of(self, name: str, opened: Opened) -> Recipe:
        """Return the recipe that a space works by, storing it with the space where this memory was given one."""
        if opened.recipe is None:
            if not self._fixed_recipe:
                opened.recipe = choosing.stored(opened.store, name, self.recipe)
            else:
                if choosing.adopt(opened.store, self.recipe, resolve("default"), self.ids, self.clock.now()):
                    self.notice(name)
                opened.recipe = self.recipe
        return opened.recipe

    def _work(self, name: str) -> bool:
        """Do what is due in a space; returns whether more waits there."""
        space = self.space(name)
        space.drain()
        if self._triggers is not None and self.is_due(name, self._triggers):
            space.upkeep()
        return bool(space.jobs(states=("waiting", "leased")))

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _reader(self, name: str, opened: Opened) -> recalling.Reader:
        return recalling.Reader(
            space=name,
            store=opened.store,
            current=opened.current,
            lessons=opened.lessons,
            recipe=self.recipe_of(name, opened),
            embedder=self.embedder,
            analyser=self.analyser,
            clock=self.clock,
            llm=self.llm,
        )


def _language_model(llm: str | LLM | None, ledger: Ledger | None) -> LLM | None:
    if not isinstance(llm, str):
        return llm
    from mneme.models.llm import ProviderLLM

    return ProviderLLM(llm, ledger=ledger)
