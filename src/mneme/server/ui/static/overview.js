import { get, post, rights } from "./api.js";
import { link } from "./app.js";
import { action, bytes, count, h, replace } from "./dom.js";
import { plot } from "./plot.js";
import { head, later } from "./rows.js";

const TILES = [["active", "memories", "memories"], ["archived", "archived", "memories"], ["quarantined", "quarantined", "review"], ["episodes", "episodes", "timeline"],
  ["links", "links", null], ["entries", "journal entries", "journal"], ["jobs", "jobs", "jobs"]];

/** A space in figures, and how it grew. */
export function overview(space) {
  const page = h("div", { class: "page" });
  later(page, get("figures", { space }), (stats) => {
    const growth = h("section", { class: "panel", "aria-label": "Growth" }, h("h2", {}, "Growth"), h("div", { class: "plot-place" }));
    follow(space, growth.lastChild);
    return [
      head(space),
      h("ul", { class: "tiles" }, TILES.filter(([name]) => stats[name] !== undefined).map(([name, label, target]) =>
        h("li", {}, tile(count(stats[name]), label, target && link(space, target)))),
        h("li", {}, tile(bytes(stats.bytes || 0), "on disk", null))),
      growth,
      h("section", { class: "panel" }, h("h2", {}, "Made with"), h("dl", { class: "facts" },
        h("div", {}, h("dt", {}, "Recipe"), h("dd", {}, stats.recipe || "none")), h("div", {}, h("dt", {}, "Embedding model"), h("dd", {}, stats.model || "none yet")))),
      rights().has("admin") ? verifier(space) : null,
    ];
  });
  return page;
}

function tile(value, label, href) {
  const inside = [h("strong", {}, value), h("span", {}, label)];
  return href ? h("a", { class: "tile", href }, inside) : h("div", { class: "tile" }, inside);
}

async function follow(space, place) {
  for (;;) {
    let found;
    try { found = await get("growth", { space }); } catch (error) { replace(place, h("p", { class: "bad" }, error.message)); return; }
    if (found.done) {
      const series = [["episodes", "tone-a"], ["memories", "tone-b"], ["entries", "tone-c"]].map(([name, tone]) => ({
        name: name === "entries" ? "journal entries" : name, tone, points: grown(found.points, name) }));
      replace(place, plot({ label: "Episodes, memories and journal entries over time", series }));
      return;
    }
    replace(place, h("p", { class: "quiet" }, `Reading the journal: ${count(found.read)} of ${count(found.of)} entries …`));
    if (!place.isConnected && found.read > 0) return;
  }
}

/** The points of one line; before the first there was nothing. */
function grown(points, name) {
  const values = points.map((point) => [point.at, point[name]]);
  return values.length ? [[values[0][0] - 60000, 0], ...values] : values;
}

function verifier(space) {
  const said = h("p", { role: "status" });
  return h("section", { class: "panel" }, h("h2", {}, "Proof"),
    h("p", {}, "Follows the chain of the journal and compares it with every row and the index."),
    action("Verify", async () => {
      replace(said, "Checking …");
      const done = await post("verify", space, {});
      replace(said, done.problems.length ? `Does not hold: ${done.problems.join("; ")}` : `All holds: ${count(done.entries)} entries, ${count(done.memories)} memories. Head of the chain: ${done.head}`);
    }), said);
}
