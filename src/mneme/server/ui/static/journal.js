import { get, post, rights } from "./api.js";
import { link } from "./app.js";
import { action, chip, count, dialog, h, time, toast } from "./dom.js";
import { LongList } from "./list.js";
import { head } from "./rows.js";

/** What was changed, newest first, and how to take it back. */
export function journal(space) {
  const place = h("div", { class: "grow" });
  const undone = new Map();
  const draw = () => {
    undone.clear();
    place.replaceChildren(new LongList({
      label: "Journal entries, newest first", height: 48, empty: "Nothing happened yet.",
      fetch: (cursor) => get("journal", { space, before: cursor }),
      // Newest come first, so whatever took an entry back is known before the entry is.
      expand: (items) => items.map((entry) => { if (entry.undoes !== null) undone.set(entry.undoes, entry.seq); return entry; }),
      row: (entry) => row(space, entry, undone.get(entry.seq), draw),
    }).element);
  };
  draw();
  return h("div", { class: "page page-list" }, head("Journal"), place);
}

function row(space, entry, undoneBy, draw) {
  const counts = Object.entries(entry.counts).map(([op, times]) => `${op} ${times > 1 ? `×${count(times)}` : ""}`.trim()).join(", ");
  const erased = "erase" in entry.counts;
  return h("div", { class: `row ${undoneBy ? "row-undone" : ""}` },
    h("span", { class: "seq" }, entry.seq), h("span", { class: "row-side" }, time(entry.recorded_at)), chip(entry.verb, entry.undoes !== null ? "warn" : erased ? "bad" : ""),
    h("button", { class: "row-text plain", type: "button", onclick: () => detail(space, entry) }, counts, entry.undoes !== null ? ` · takes back ${entry.undoes}` : "", undoneBy ? ` · taken back by ${undoneBy}` : "", entry.reason ? ` · “${entry.reason}”` : ""),
    h("span", { class: "quiet row-actor" }, entry.actor),
    rights().has("write") && !erased && !undoneBy ? action("Undo", async () => {
      const done = await post("undo", space, { entry: entry.seq, reason: "inspector" });
      toast(done.refused.length ? `Entry ${entry.seq} was taken back, but not all of it: ${done.refused.length} parts stay.` : `Entry ${entry.seq} was taken back.`);
      draw();
    }, { "aria-label": `Undo entry ${entry.seq}` }) : null);
}

function detail(space, entry) {
  return dialog(`Entry ${entry.seq}: ${entry.verb}`, (close) => h("div", {},
    h("dl", { class: "facts" }, [["Recorded", time(entry.recorded_at)], ["Actor", entry.actor || "nobody named"], ["Reason", entry.reason || "none given"], ["Hash", h("code", { class: "break" }, entry.hash)]].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    h("ul", { class: "changes", tabindex: "0", "aria-label": "Changes" }, entry.changes.map((change) => h("li", {}, chip(change.op, "quiet"), " ",
      change.subject.startsWith("mem_") && !change.subject.includes(">") ? h("a", { href: link(space, "memory", change.subject), onclick: () => close() }, change.subject) : h("code", {}, change.subject),
      change.after ? ` version ${change.before} → ${change.after}` : ""))),
    Object.values(entry.counts).reduce((sum, times) => sum + times, 0) > entry.changes.length ? h("p", { class: "quiet" }, "and more") : null));
}
