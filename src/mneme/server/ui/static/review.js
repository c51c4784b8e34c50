import { get, post, rights } from "./api.js";
import { action, h, plural, replace, toast } from "./dom.js";
import { eraseOne } from "./erase.js";
import { head, later, memoryRow } from "./rows.js";

/** What waits for a person: quarantined memories, and memories that contradict each other. */
export function review(space) {
  const page = h("div", { class: "page" });
  const load = () => later(page, get("review", { space }), (found) => build(space, found, () => { replace(page); return load(); }));
  load();
  return page;
}

function build(space, { quarantined, conflicts }, reload) {
  const may = rights();
  const act = (label, path, body, said) => may.has("write") ? action(label, async () => { await post(path, space, body); toast(said); await reload(); }) : null;
  return [
    head("Review"),
    h("section", { class: "panel" }, h("h2", {}, `Quarantine: ${plural(quarantined.length, "memory", "memories")}`),
      quarantined.length ? h("ul", { class: "cards" }, quarantined.map((one) => h("li", {}, memoryRow(space, one), one.why ? h("p", { class: "quiet" }, `Why: ${one.why}`) : null,
        h("div", { class: "actions" }, act("Accept", "restore", { target: one.id, reason: "reviewed" }, "Accepted."), act("Archive", "forget", { target: one.id, reason: "reviewed" }, "Archived."),
          may.has("erase") ? action("Erase …", () => eraseOne(space, one), { class: "danger" }) : null)))) : h("p", { class: "quiet" }, "Nothing is held back.")),
    h("section", { class: "panel" }, h("h2", {}, `Conflicts: ${plural(conflicts.length, "pair")}`),
      conflicts.length ? h("ul", { class: "cards" }, conflicts.map(({ source, target }) => h("li", {}, memoryRow(space, source), memoryRow(space, target),
        h("div", { class: "actions" }, act("Keep the first", "forget", { target: target.id, reason: `contradicted by ${source.id}` }, "The second is archived."),
          act("Keep the second", "forget", { target: source.id, reason: `contradicted by ${target.id}` }, "The first is archived."))))) : h("p", { class: "quiet" }, "No active memories contradict each other.")),
  ];
}
