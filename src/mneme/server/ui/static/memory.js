import { get, post, rights } from "./api.js";
import { link } from "./app.js";
import { action, chip, count, dialog, h, replace, status, time, toast } from "./dom.js";
import { diff } from "./diff.js";
import { eraseOne } from "./erase.js";
import { graph } from "./graph.js";
import { plot } from "./plot.js";
import { head, later, memoryRow } from "./rows.js";

/** A memory with all that is known about it. */
export function memory(space, id) {
  const page = h("div", { class: "page" });
  const load = () => later(page, get("memory", { space, id }), (found) => build(space, found, reload));
  const reload = () => { replace(page); return load(); };
  load();
  return page;
}

function build(space, found, reload) {
  const { memory: record, sources, steps, links, usage } = found;
  const around = h("div");
  later(around, get("graph", { space, id: record.id }), (seen) => graph(seen, (id) => link(space, "memory", id)));
  return [
    head("Memory", chip(record.kind), status(record.status), h("code", { class: "quiet" }, record.id)),
    h("section", { class: "panel", "aria-label": "Text" }, long(space, record), facts(record, usage), actions(space, record, reload)),
    h("section", { class: "panel" }, h("h2", {}, "Sources"), sources.length ? sources.map(source) : h("p", { class: "quiet" }, "It was written directly and rests on no episode.")),
    h("section", { class: "panel" }, h("h2", {}, "Versions"), versions(steps)),
    h("section", { class: "panel" }, h("h2", {}, "Strength"), plot({ label: "Strength and uses over time", step: true, height: 180, series: [
      { name: "strength", tone: "tone-a", points: found.strength.map((point) => [Date.parse(point.at), point.strength]) },
      { name: "uses", tone: "tone-b", points: found.strength.map((point) => [Date.parse(point.at), point.uses]) }] })),
    h("section", { class: "panel" }, h("h2", {}, "Fading"), h("p", { class: "quiet" }, "How much of it is left, and will be without another use."),
      plot({ label: "How much is left over time", height: 180, mark: Date.now(), series: [
        { name: "left", tone: "tone-a", points: found.fading.map((point) => [Date.parse(point.at), point.retention]) }] })),
    h("section", { class: "panel" }, h("h2", {}, "Links"), linked(space, links, found.more_links)),
    h("section", { class: "panel" }, h("h2", {}, "Around it"), around),
  ];
}

function long(space, record) {
  const text = h("p", { class: "memory-text" }, record.text);
  if (record.length <= record.text.length) return text;
  let shown = record.text.length;
  const note = h("span", { class: "quiet" }, `${count(shown)} of ${count(record.length)} characters`);
  const more = action("Show more", async () => {
    const part = await get("text", { space, id: record.id, start: shown });
    text.append(document.createTextNode(part.text));
    shown += part.text.length;
    replace(note, `${count(Math.min(shown, record.length))} of ${count(record.length)} characters`);
    if (shown >= record.length || !part.text) more.remove();
  });
  return h("div", { class: "tall", tabindex: "0", role: "region", "aria-label": "Text of the memory" }, text, more, " ", note);
}

function facts(record, usage) {
  const rows = [["When", time(record.at)], ["Held from", time(record.valid_from)], ["Until", record.valid_to ? time(record.valid_to) : "still holds"], ["Recorded", time(record.recorded_at)],
    ["Version", record.version], ["Author", record.author], ["Role", record.role], ["Session", record.session], ["Channel", record.channel], ["Reference", record.ref], ["Tier", record.tier], ["Importance", record.importance],
    ["Tags", record.tags.join(", ")], ["Uses", usage ? usage.uses : 0], ["Strength", usage ? usage.strength.toFixed(2) : "1.00"],
    ["Attributes", Object.keys(record.attributes).length ? JSON.stringify(record.attributes).slice(0, 2000) : ""],
    ["Media", record.media.map((one) => `${one.mime} ${one.uri}`).join(", ")]];
  return h("dl", { class: "facts" }, rows.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function actions(space, record, reload) {
  const may = rights();
  const done = (text) => { toast(text); return reload(); };
  return h("div", { class: "actions" },
    may.has("write") ? action("Revise …", async () => { if (await revise(space, record)) await done("Revised."); }) : null,
    may.has("write") && record.status === "active" ? action("Forget", async () => { await post("forget", space, { target: record.id, reason: "inspector" }); await done("Archived; it can be restored."); }) : null,
    may.has("write") && record.status !== "active" ? action("Restore", async () => { await post("restore", space, { target: record.id, reason: "inspector" }); await done("Active again."); }) : null,
    may.has("erase") ? action("Erase …", () => eraseOne(space, record), { class: "danger" }) : null);
}

function revise(space, record) {
  return dialog("Revise", (close) => {
    const text = h("textarea", { id: "new-text", rows: 6, autofocus: true, value: record.length > record.text.length ? "" : record.text });
    const since = h("input", { id: "since", type: "date" });
    const reason = h("input", { id: "reason", type: "text", class: "wide" });
    const note = h("p", { class: "bad", role: "alert" });
    return h("form", { class: "stack", onsubmit: async (event) => {
      event.preventDefault();
      const call = { id: record.id, text: text.value, expected_version: record.version };
      if (reason.value) call.reason = reason.value;
      if (since.value) call.since = new Date(`${since.value}T00:00:00`).toISOString();
      try { await post("revise", space, call); close(true); } catch (error) { replace(note, error.message); }
    } }, h("label", { for: "new-text" }, "What it should say"), text,
    h("label", { for: "since" }, "Changed in the world on (leave empty to correct an error)"), since, h("label", { for: "reason" }, "Reason"), reason, note,
    h("div", { class: "actions" }, h("button", { class: "strong" }, "Revise"), h("button", { type: "button", onclick: () => close(false) }, "Cancel")));
  });
}

function source(one) {
  if (one.erased) return h("p", { class: "quiet" }, `Episode ${one.id} was erased.`);
  return h("article", { class: "source" },
    h("p", { class: "quiet" }, time(one.at), one.author ? ` · ${one.author}` : "", one.session ? ` · ${one.session}` : "", " · ", h("code", {}, one.id)),
    h("blockquote", {}, one.pieces.map((piece) => [piece.after_gap && piece.left_out ? gap(piece.left_out) : null, piece.cited ? h("mark", {}, piece.text) : piece.text, !piece.after_gap && piece.left_out ? gap(piece.left_out) : null])));
}

const gap = (length) => h("span", { class: "gap" }, ` … ${count(length)} characters … `);

function versions(steps) {
  let before = null;
  const shown = steps.map(({ entry, memory: version }) => {
    const changed = version && before !== null && version.text !== before.text;
    const body = !version ? null : before === null ? h("p", { class: "version-text" }, version.text.slice(0, 4000)) : changed ? h("p", { class: "version-text" }, compare(before.text, version.text)) : h("p", { class: "quiet" }, told(before, version));
    if (version) before = version;
    return h("li", {}, h("p", { class: "quiet" }, version ? `version ${version.version} · ` : "", entry.verb, " · ", time(entry.recorded_at), entry.actor ? ` · ${entry.actor}` : "", ` · entry ${entry.seq}`, entry.reason ? ` · “${entry.reason}”` : ""), body);
  });
  return h("ol", { class: "versions" }, shown.reverse());
}

function told(before, after) {
  const changed = ["status", "kind", "valid_from", "valid_to", "importance", "tier"].filter((name) => before[name] !== after[name]).map((name) => `${name.replace("_", " ")}: ${before[name] ?? "none"} → ${after[name] ?? "none"}`);
  return changed.length ? changed.join("; ") : "the text is the same";
}

function compare(before, after) {
  return diff(before, after).map(({ kind, text }) => {
    const cut = kind === "same" && text.length > 600 ? `${text.slice(0, 280)} … ${text.slice(-280)}` : text.slice(0, 8000);
    if (kind === "out") return h("del", {}, cut);
    return kind === "in" ? h("ins", {}, cut) : cut;
  });
}

function linked(space, links, more) {
  if (!links.length) return h("p", { class: "quiet" }, "None.");
  return [h("ul", { class: "links" }, links.map((one) => h("li", {}, chip(`${one.out ? "" : "← "}${one.type.replaceAll("_", " ")}${one.out ? " →" : ""}`, one.type === "contradicts" ? "warn" : "quiet"),
    one.memory ? memoryRow(space, one.memory) : h("code", {}, one.id)))), more ? h("p", { class: "quiet" }, `and ${count(more)} more`) : null];
}
