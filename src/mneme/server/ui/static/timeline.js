import { get } from "./api.js";
import { link } from "./app.js";
import { chip, day, h, time } from "./dom.js";
import { LongList } from "./list.js";
import { head, line, memoryRow } from "./rows.js";

/** Episodes, newest first, with what was formed from each. */
export function timeline(space) {
  const place = h("div", { class: "grow" });
  const draw = (at) => {
    let last = "";
    place.replaceChildren(new LongList({
      label: "Episodes and what was formed from them, newest first", height: 44, empty: "Nothing was remembered yet.",
      fetch: (cursor) => get("timeline", cursor === null ? { space, at } : { space, before: cursor }),
      expand: (items) => items.flatMap((item) => {
        const rows = [];
        const heading = day(item.recorded_at);
        if (heading !== last) { rows.push({ heading }); last = heading; }
        const verbatim = item.episode && item.memories.find((memory) => memory.id.slice(3) === item.episode.id.slice(2));
        if (item.episode) rows.push({ ...item, verbatim });
        for (const memory of item.memories) if (memory !== verbatim) rows.push({ memory, alone: !item.episode });
        return rows;
      }),
      skip: (row) => Boolean(row.heading),
      row: (row) => draw_row(space, row),
    }).element);
  };
  draw(undefined);
  const jump = h("input", { id: "jump", type: "date" });
  return h("div", { class: "page page-list" },
    head("Timeline"),
    h("form", { class: "bar", onsubmit: (event) => { event.preventDefault(); draw(jump.value ? new Date(`${jump.value}T23:59:59.999`).toISOString() : undefined); } },
      h("label", { for: "jump" }, "Recorded until"), jump, h("button", {}, "Go"), h("span", { class: "quiet" }, "newest first; what was formed from an episode stands below it")),
    place);
}

function draw_row(space, row) {
  if (row.heading) return h("h2", { class: "row row-day" }, row.heading);
  if (row.memory) return memoryRow(space, row.memory, row.alone ? "" : "row-formed");
  const { episode, verbatim } = row;
  const inside = [
    h("span", { class: "row-side" }, time(episode.at)),
    verbatim ? null : chip(row.verb === "revise" ? "words of a correction" : "episode", "quiet"),
    episode.session ? chip(episode.session, "quiet") : null,
    verbatim && verbatim.status !== "active" ? chip(verbatim.status, "warn") : null,
    episode.author ? h("span", { class: "row-who" }, episode.author) : null,
    h("span", { class: "row-text" }, line(episode)),
  ];
  return verbatim ? h("a", { class: "row", href: link(space, "memory", verbatim.id) }, inside) : h("div", { class: "row" }, inside);
}
