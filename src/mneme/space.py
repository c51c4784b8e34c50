"""A space and its verbs.

A space object is a light handle: the store behind it is opened when a call needs it and may be closed between calls.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mneme.aio import AsyncSpace
from mneme.core.clock import to_utc
from mneme.core.compaction import CHECKPOINT
from mneme.core.errors import InvalidInput, NotFound
from mneme.core.journal import Entry
from mneme.core.llm import scoped
from mneme.core.operations import Archive, Configure, Enqueue, Keep, Restore
from mneme.core.ports import Applied
from mneme.core.query import Answer, ErasureReport, Filter, Hit, Recall, Receipt
from mneme.core.records import Episode, Link, Media, Message, Usage
from mneme.core.records import Memory as Record
from mneme.core.trace import Trace
from mneme.engine import asking, compaction, erasing, forming, judging, keeping, naming, prepare, recalling, revising, tending, undo
from mneme.engine.blocks import Blocks
from mneme.engine.fading import Left, course
from mneme.engine.material import material_for
from mneme.engine.receipts import receipt as receipt_of
from mneme.engine.upkeep import UpkeepBudget, UpkeepReport, census
from mneme.retention.budgets import Limit
from mneme.retrieval.learned import votes
from mneme.stored import StoredSpace
from mneme.text.tokens import count_tokens

MOST_FORMED_AT_ONCE = 200_000
"""Of so many characters memories are formed before ``remember`` returns; of more in the background, or by the next call or worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step in the history of a memory.

    Args:
        entry: the journal entry that made it.
        memory: the version it made; None when the content was erased.
    """

    entry: Entry
    memory: Record | None


class Space(StoredSpace):
    """One space of a memory: nothing in it is reachable from another. Safe for threads.

    Get one with :meth:`Memory.space`.
    """

    @property
    def aio(self) -> AsyncSpace:
        """The same verbs, to be awaited; they run on threads."""
        return AsyncSpace(self)

    def remember(
        self,
        what: str | Message | Mapping[str, Any] | Iterable[str | Message | Mapping[str, Any]] = (),
        *,
        at: datetime | None = None,
        author: str | None = None,
        role: str | None = None,
        session: str | None = None,
        ref: str | None = None,
        channel: str | None = None,
        media: Sequence[Media] = (),
        tags: Sequence[str] = (),
        kind: str = "turn",
        memories: Iterable[prepare.Given | Mapping[str, Any]] = (),
        key: str | None = None,
        partial: bool = False,
        wait: bool = False,
        reason: str | None = None,
        actor: str | None = None,
    ) -> Receipt:
        """Store messages, durably, before anything else happens; the next recall finds them.

        Args:
            what: a text, a message, or any number of them. A list is stored whole or not at all, unless ``partial``.
            at, author, role, session, ref, channel, media, tags: fill what the messages leave open.
            kind: the kind of the verbatim memories.
            memories: extractions of the caller's own (:class:`mneme.Given` or mappings with its fields); no model call is made for them.
            key: the same call with the same key is done once; the second returns the first one's receipt as a duplicate.
            partial: store the good items and report the bad ones in the receipt.
            wait: do the deferred work of the space before returning.
            reason, actor: for the journal.

        Returns:
            The receipt: ids in the order of the input, ``memories`` after messages.

        Raises:
            InvalidInput: a field is bad; the message names every bad field and the fix.
            StorageError: nothing of the call was stored.
        """
        engine, now = self._memory, self._memory.clock.now()
        trace = Trace(id=engine.ids.new("tr"), verb="remember")
        single = isinstance(what, str | Message | Mapping)
        messages, malformed = prepare.as_messages(
            what,
            at=at,
            author=author,
            role=role,
            session=session,
            ref=ref,
            channel=channel,
            media=prepare.listed(media),
            tags=prepare.listed(tags),
        )
        good, refused = prepare.check_messages(messages, malformed, single=single, partial=partial)
        kind = naming.known_kind(kind)
        episodes, turns = prepare.episodes_and_turns([messages[i] for i in good], engine.ids, now, kind)
        brought = prepare.several("memories", memories)
        with self._use() as opened:
            recipe = engine.recipe_of(self.name, opened)
            formed, refused_too = prepare.given_memories(
                brought, engine.ids, now, lambda names: naming.resolve_sources(opened, names, episodes), partial=partial
            )
            if not turns and not formed:
                if not refused and not refused_too:
                    raise InvalidInput({"what": "is empty; give at least one message or memory"})
                return Receipt(verb="remember", refused=refused + refused_too, trace=trace)
            operations = prepare.verbatim_operations(episodes, turns)
            operations += [Keep(memory=memory) for memory in formed]
            if episodes and recipe.formers:
                most = None if engine.llm is None else forming.MOST_BY_MODEL
                operations += [Enqueue(job=job) for job in forming.form_jobs(engine.ids, episodes, most)]
            applied = None if key is None else self._apply(opened, (), trace, key=key)
            if applied is None or not applied.duplicate:
                with trace.stage("embed"):
                    material = material_for([*turns, *formed], engine.embedder, engine.analyser)
                with trace.stage("store"):
                    applied = self._apply(opened, operations, trace, material=material, key=key, reason=reason, actor=actor)
        receipt = receipt_of(applied, trace, refused + refused_too)
        if receipt.jobs and not receipt.duplicate:
            if wait:
                self.drain()
            elif engine.llm is None and sum(len(episode.text) for episode in episodes) <= MOST_FORMED_AT_ONCE:
                self._drain((forming.TASK,))  # forming by rule is cheap; other deferred work is not the caller's to wait for
            else:
                engine.notice(self.name)
        return receipt

    def recall(
        self,
        query: str,
        *,
        k: int | None = None,
        budget_tokens: int | None = None,
        filters: Filter | Mapping[str, Any] | None = None,
        kinds: Sequence[str] = (),
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        explain: bool = False,
        archived: bool = False,
    ) -> Recall:
        """Find what bears on a question.

        Args:
            query: the question, in words.
            k: how many hits; 10 unless a budget is given.
            budget_tokens: how long the context may be; hits are then those in it, unless ``k`` is given too.
            filters: which memories may be seen, as a :class:`mneme.Filter` or a mapping of its fields.
            kinds: the same as ``filters.kinds``.
            as_of: what held in the world at that moment; None is what holds now.
            known_at: what the memory knew at that moment; None is what it knows now.
            explain: let ``hit.why`` say more.
            archived: archived memories too.

        Returns:
            Hits, best first, ties by time, and a context for a prompt.

        Raises:
            InvalidInput: a field is bad; the message names every bad field and the fix.
        """
        where = naming.as_filter(filters, kinds)
        if archived:
            where = replace(where, archived=True)
        asked = recalling.check(query, k, budget_tokens, where, as_of, known_at, explain)
        trace = Trace(id=self._memory.ids.new("tr"), verb="recall")
        with self._use(create=False, steady=True) as opened:
            found = self._memory._reader(self.name, opened).recall(asked, trace)
            if asked.known_at is None and self._memory.llm is not None:
                self._deferred(opened).repair(found, trace)
        if asked.known_at is None:
            self._memory.uses.note(self.name, (hit.memory.id for hit in found.hits), self._memory.clock.now())
        return found

    def ask(
        self,
        question: str,
        *,
        k: int | None = None,
        budget_tokens: int = 2000,
        filters: Filter | Mapping[str, Any] | None = None,
        kinds: Sequence[str] = (),
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Answer:
        """Answer a question from what is remembered, with citations that were checked.

        With a model, it writes the answer; without one, the answer consists of the best sentences, marked as an extract. When too little
        is there, the answer is that it is not known. What no longer holds and what contradicts is told.

        Args:
            question: the question, in words.
            k: how many memories to look at; None takes as many as the budget holds.
            budget_tokens: how long the context for the model may be.
            filters, kinds, as_of, known_at: as for :meth:`recall`.

        Raises:
            InvalidInput: a field is bad.
            BudgetExceeded: the model may not be asked any more today.
            ModelUnavailable: the model does not answer.
        """
        engine = self._memory
        found = self.recall(question, k=k, budget_tokens=budget_tokens, filters=filters, kinds=kinds, as_of=as_of, known_at=known_at)
        trace = found.trace
        assert trace is not None
        trace.verb = "ask"
        llm = None if engine.llm is None else scoped(engine.llm, space=self.name, on_call=lambda call: trace.models.append(call.to_plain()))
        now = engine.clock.now()
        with self._use(create=False) as opened, trace.stage("answer"):
            by_rule = llm is None and known_at is None
            where = naming.as_filter(filters, kinds)
            known = self._deferred(opened).known(question, as_of or now, where, trace) if by_rule else ()
            return asking.answer(opened.store, found, llm, now, engine.embedder, known)

    def revise(
        self,
        id: str,
        text: str | None = None,
        *,
        since: datetime | None = None,
        reason: str | None = None,
        actor: str | None = None,
        expected_version: int | None = None,
        **changes: Any,
    ) -> Receipt:
        """Correct a memory, or tell that the world changed.

        Args:
            id: the memory.
            text: what it should say.
            since: None corrects it: the text was never right, and the new one takes over its time in the world. A moment supersedes it:
                it held until then, and a new memory holds from then on.
            reason, actor: for the journal.
            expected_version: refuse unless the memory is at this version.
            changes: other fields of the record, for a correction: ``kind attributes importance valid_from valid_to tags sources``; with
                sources, spans, the text rests on those instead of on the caller's own words.

        Returns:
            The receipt, with the id of the memory that now says ``text``.

        Raises:
            NotFound: there is no such memory.
            Conflict: it is not at ``expected_version``.
            Refused: it was erased.
        """
        if text is None and not changes:
            raise InvalidInput({"text": "is missing; give a text, or fields to change"})
        if text is not None and (problem := prepare.text_problem(text) or ("is empty; use forget" if not text.strip() else None)):
            raise InvalidInput({"text": problem})
        trace = Trace(id=self._memory.ids.new("tr"), verb="revise")
        with self._use() as opened:
            current = self._present(opened, id)
            if since is None:
                operations, reworded = revising.correction(self._memory, current, text, changes, expected_version, opened.store)
            else:
                if text is None or changes:
                    raise InvalidInput({"since": "goes with a text alone; correct other fields in a call of their own"})
                operations, reworded = revising.supersession(self._memory, current, text, to_utc(since, "since"), expected_version)
            engine = self._memory
            material = material_for(reworded, engine.embedder, engine.analyser)
            applied = self._apply(opened, operations, trace, material=material, reason=reason, actor=actor)
        return replace(receipt_of(applied, trace), ids=(reworded[0].id if reworded else id,))

    def forget(
        self, target: naming.Target, *, erase: bool = False, reason: str | None = None, actor: str | None = None
    ) -> Receipt | ErasureReport:
        """Take memories out of the default recall, or remove them for good.

        Args:
            target: an id, a hit, a memory, several of them, or a filter with at least one field set.
            erase: False archives: reachable with ``archived=True`` and by ``restore``. True removes the content from every place, with
                what rests only on it, searches the store's bytes for it, and returns the report.
            reason, actor: for the journal.

        Raises:
            NotFound: an id is unknown.
            Refused: a hold of the policies protects something that would go or lose a part; nothing was erased.
            ErasureIncomplete: the search found something; the report says where.
        """
        trace = Trace(id=self._memory.ids.new("tr"), verb="forget")
        with self._use(any_model=erase) as opened:
            ids = naming.targets(opened, target)
            if not ids:
                return ErasureReport(erased=()) if erase else Receipt(verb="forget", trace=trace)
            if erase:
                holds = keeping.policies_of(opened.store).holds
                return erasing.erase(
                    opened,
                    ids,
                    self._memory.ids,
                    lambda operations, material: self._apply(opened, operations, trace, material=material, reason=reason, actor=actor),
                    lambda memories: material_for(memories, self._memory.embedder, self._memory.analyser),
                    lambda memories: keeping.check_holds(holds, memories, self._memory.clock.now()),
                )
            applied = self._apply(opened, [Archive(id=id) for id in ids], trace, reason=reason, actor=actor)
        return replace(receipt_of(applied, trace), ids=tuple(ids))

    def restore(self, target: naming.Target, *, reason: str | None = None, actor: str | None = None) -> Receipt:
        """Make archived, quarantined or undone memories active again.

        Raises:
            NotFound: an id is unknown.
            Refused: it was erased.
        """
        trace = Trace(id=self._memory.ids.new("tr"), verb="restore")
        with self._use() as opened:
            ids = naming.targets(opened, target)
            applied = self._apply(opened, [Restore(id=id) for id in ids], trace, reason=reason, actor=actor)
        return replace(receipt_of(applied, trace), ids=tuple(ids))

    def feedback(
        self, found: Recall, *, useful: Sequence[str | Hit] = (), useless: Sequence[str | Hit] = (), actor: str | None = None
    ) -> Receipt:
        """Tell which hits of a recall helped: their use is counted, and the space learns what its good hits have in common.

        What is learned is one factor for each part of the score, within bounds, and only once some twenty memories were judged; see
        :mod:`mneme.retrieval.learned`. ``undo`` takes a judgement back with what was learned from it.

        Args:
            found: the recall; pass it as it came back, since its hits say what their scores are made of.
            useful, useless: hits, or their ids, marks or refs.

        Raises:
            InvalidInput: something named is no hit of this recall.
        """
        if not isinstance(found, Recall):
            raise InvalidInput({"found": f"must be what recall returned, not {type(found).__name__}"})
        good, bad = naming.chosen_hits(found, "useful", useful), naming.chosen_hits(found, "useless", useless)
        trace = Trace(id=self._memory.ids.new("tr"), verb="feedback")
        now = self._memory.clock.now()
        if not good and not bad:
            return Receipt(verb="feedback", trace=trace)
        with self._use() as opened:
            operations = judging.judged(self._memory, self.name, opened, good, bad, now, votes(found.hits, good, bad))
            applied = self._apply(opened, operations, trace, actor=actor)
        self._memory.uses.forget(self.name, bad)
        return replace(receipt_of(applied, trace), ids=(*good, *bad))

    def history(self, id: str) -> list[Step]:
        """Return what happened to a memory, oldest first; erased content shows as None.

        Raises:
            NotFound: the id was never used in this space.
        """
        with self._use(create=False) as opened:
            entries = opened.store.entries_of(naming.one_id(id))
            if not entries:
                raise NotFound("memory", id)
            versions = {version.seq: version.memory for version in opened.store.versions(id)}
        # Of what was folded the last state is left: it shows with the checkpoint.
        first = {entry.seq: max((seq for seq in versions if seq <= entry.seq), default=0) for entry in entries if entry.verb == CHECKPOINT}
        return [Step(entry=entry, memory=versions.get(first.get(entry.seq, entry.seq))) for entry in entries]

    def get(self, id: str) -> Record:
        """Return a memory in its present version, whatever its status.

        Raises:
            NotFound: there is none, or it was erased.
        """
        with self._use(create=False) as opened:
            return self._present(opened, id)

    def memories(
        self, filters: Filter | Mapping[str, Any] | None = None, *, after: str = "", limit: int = 100, statuses: Sequence[str] = ("active",)
    ) -> list[Record]:
        """Return memories in the order of their ids, those after id ``after``; for going through a space page by page."""
        with self._use(create=False) as opened:
            return opened.store.find(naming.as_filter(filters, ()), after=after, limit=limit, statuses=statuses)

    def episodes(self, ids: Sequence[str] = (), *, after: str = "", limit: int = 100) -> list[Episode]:
        """Return the episodes with these ids, or, without ids, those after id ``after`` in the order of their ids."""
        with self._use(create=False) as opened:
            if ids:
                found = opened.store.episodes(ids)
                return [found[id] for id in ids if id in found]
            return opened.store.list_episodes(after=after, limit=limit)

    def links(self, ids: Sequence[str] | None = None) -> list[Link]:
        """Return the links that have one of these memories at an end, or all; ordered by source, target and type."""
        with self._use(create=False) as opened:
            return opened.store.links(ids)

    def usage(self, ids: Sequence[str]) -> dict[str, Usage]:
        """Return how memories have fared, by id; one that was never used is left out."""
        with self._use(create=False) as opened:
            return opened.store.usage(ids)

    def formed_from(self, episodes: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the memories that rest on any of these episodes, by id, with all the episodes that they rest on."""
        with self._use(create=False) as opened:
            return opened.store.resting_on(prepare.several("episodes", episodes))

    def entry_at(self, moment: datetime) -> int:
        """Return the number of the last journal entry recorded at or before a moment, 0 if there was none yet."""
        with self._use(create=False) as opened:
            return opened.store.seq_at(to_utc(moment, "moment"))

    def journal(self, *, after: int = 0, limit: int = 100) -> list[Entry]:
        """Return journal entries with a higher number than ``after``, oldest first; folded ones are told by their checkpoint's entries."""
        with self._use(create=False) as opened:
            return opened.store.entries(after=after, limit=limit)

    def folded(self) -> int:
        """Return the last entry that was folded into a checkpoint, 0 when none was; who follows the journal reads anew behind it."""
        with self._use(create=False) as opened:
            return compaction.folded(opened.store.meta())[0]

    def undo(self, count: int | None = None, *, entry: int | None = None, reason: str | None = None, actor: str | None = None) -> Receipt:
        """Take back the last changes, or one entry of the journal; an undo is an entry too and can be undone by its number.

        Args:
            count: how many changes to take back, newest first; 1 when nothing is given.
            entry: the number of the entry to take back instead.
            reason, actor: for the journal.

        Raises:
            NotFound: there is no such entry, or there are fewer changes.
            CannotUndo: it was an erasure, or later changes rest on it.
        """
        undo.check_asked(count, entry)
        trace = Trace(id=self._memory.ids.new("tr"), verb="undo")
        ids: list[str] = []
        refused: list[Any] = []
        applied = Applied(entry=None)
        with self._use() as opened:
            chosen = undo.chosen(opened.store, count, entry)
            for taken in chosen:
                undoing = undo.undoing(opened.store, taken)
                applied = self._apply(opened, undoing.operations, trace, undoes=taken.seq, reason=reason, actor=actor)
                refused += undoing.refused
                ids += [change.subject for change in applied.entry.changes] if applied.entry else []
            if any(taken.verb == undo.PASS for taken in chosen):
                # Places of what the pass had made stay empty in the index, and what counts places would not rank exactly as before.
                opened.current.drop()
        return replace(receipt_of(applied, trace, tuple(refused)), ids=tuple(dict.fromkeys(ids)))

    def upkeep(
        self,
        now: datetime | None = None,
        *,
        dry_run: bool = False,
        budget: UpkeepBudget | None = None,
        limits: Sequence[Limit] = (),
        actor: str | None = None,
    ) -> UpkeepReport:
        """Look after the space: apply its policies, merge what was said twice, summarise, move tiers, hold its budgets.

        A pass is one unit: ``undo()`` takes all of it back. It looks at what changed since the last one, stops when its budget is spent,
        and can be interrupted at any point without loss.

        Args:
            now: the moment of the pass; None is the clock's.
            dry_run: change nothing; the report lists what would happen and why.
            budget: how long it may take and how much it may change; a minute unless told otherwise.
            limits: budgets of this call, besides those of the policies.
            actor: for the journal.
        """
        trace = Trace(id=self._memory.ids.new("tr"), verb=undo.PASS)
        with self._use() as opened, opened.keeping:
            apply = functools.partial(self._apply, opened, actor=actor)
            passing = tending.passing(self._memory, self.name, apply, opened, now, dry_run, budget, trace)
            uses = [] if dry_run else self._memory.uses.taken(self.name, opened.store, passing.curve)
            recipe = self._memory.recipe_of(self.name, opened)
            return passing.run(keeping.keepers_of(recipe.keepers, keeping.policies_of(opened.store), limits), uses)

    def due(self, n: int = 10) -> list[keeping.Due]:
        """Return up to ``n`` memories worth asking the user to confirm before they are forgotten, most worth first.

        Raises:
            InvalidInput: ``n`` is no whole number of at least 1.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise InvalidInput({"n": f"must be a whole number of at least 1, not {n!r}"})
        trace = Trace(id=self._memory.ids.new("tr"), verb="due")
        with self._use() as opened, opened.keeping:
            return keeping.due(
                tending.passing(self._memory, self.name, functools.partial(self._apply, opened), opened, None, True, None, trace), n
            )

    def foreseen(self, ahead: timedelta = timedelta(days=1)) -> list[Record]:
        """Return tasks and intentions whose time has come, or comes within ``ahead``, and is not over; soonest end first.

        Raises:
            InvalidInput: ``ahead`` is no span of time.
        """
        if not isinstance(ahead, timedelta):
            raise InvalidInput({"ahead": f"must be a timedelta, not {type(ahead).__name__}"})
        trace = Trace(id=self._memory.ids.new("tr"), verb="due")
        with self._use() as opened, opened.keeping:
            return keeping.foreseen(
                tending.passing(self._memory, self.name, functools.partial(self._apply, opened), opened, None, True, None, trace), ahead
            )

    def fading(self, id: str, until: datetime | None = None) -> list[Left]:
        """Return how much of a memory was left from its birth to now, and will be until a moment without another use.

        Raises:
            NotFound: there is none, or it was erased.
        """
        with self._use(create=False) as opened:
            found = self._present(opened, id)
            curve = keeping.curve_of(self._memory.recipe_of(self.name, opened).curve)
            end = None if until is None else to_utc(until, "until")
            return course(curve, found, opened.store.entries_of(id), self._memory.clock.now(), end)

    @property
    def blocks(self) -> Blocks:
        """The texts that are always in context: persona, user, task, and others."""
        return Blocks(self)

    def policies(self, toml: str | None = None, *, reason: str | None = None, actor: str | None = None) -> str:
        """Return the space's policies as TOML; given a text, make it the policies first. See :mod:`mneme.retention.rules`.

        A change is an entry of the journal, with the text before and after, and can be undone; what a policy says, names in it included,
        stays in the journal.

        Args:
            toml: the new policies; an empty text takes all away.
            reason, actor: for the journal.

        Raises:
            InvalidInput: the text is no TOML, or says something unknown; nothing was changed.
        """
        with self._use(any_model=True) as opened:
            if toml is not None:
                if problem := prepare.text_problem(toml):
                    raise InvalidInput({"policies": problem})
                keeping.read_policies(toml)
                trace = Trace(id=self._memory.ids.new("tr"), verb=keeping.POLICIES)
                self._apply(opened, [Configure(key=keeping.POLICIES, value=toml)], trace, reason=reason, actor=actor)
            return opened.store.meta().get(keeping.POLICIES, "")

    def policy_changes(self) -> list[keeping.PolicyChange]:
        """Return who changed the policies, when, why and from what to what, oldest first; compaction folds old changes away."""
        with self._use(create=False, any_model=True) as opened:
            return keeping.policy_changes(opened.store)

    def tokens(self) -> int:
        """Return about how many tokens the texts of all active memories have; what a token limit counts."""
        with self._use() as opened, opened.keeping:
            taken = census(opened, count_tokens).take()
            return round(float(taken.tokens[taken.active].sum(dtype=float)))

    def form(self, episodes: Sequence[str]) -> forming.Formed:
        """Return what the recipe would make of episodes, without storing any of it.

        Raises:
            NotFound: there is no such episode.
        """
        trace = Trace(id=self._memory.ids.new("tr"), verb="form")
        with self._use() as opened:
            return self._deferred(opened).formed(episodes, trace)
