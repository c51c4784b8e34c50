import { get } from "./api.js";
import { h } from "./dom.js";
import { LongList } from "./list.js";
import { head, memoryRow } from "./rows.js";

export const KINDS = "turn fact event preference profile summary note skill lesson case concept task resource secret".split(" ");
const STATUSES = ["active", "archived", "quarantined", "undone"];

export function choice(id, label, options, any) {
  return h("span", { class: "pair" }, h("label", { for: id }, label), h("select", { id, name: id }, any ? h("option", { value: "" }, any) : null, options.map((option) => h("option", { value: option }, option))));
}

export function field(id, label, type) {
  return h("span", { class: "pair" }, h("label", { for: id }, label), h("input", { id, name: id, type: type || "text", class: type === "date" ? "" : "narrow" }));
}

/** What a form of filters says, as the server takes it. */
export function filtersOf(form) {
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  for (const name of ["since", "until"]) if (values[name]) values[name] = new Date(`${values[name]}T00:00:00`).toISOString();
  return values;
}

/** Every memory, in the order in which they came. */
export function memories(space) {
  const place = h("div", { class: "grow" });
  const form = h("form", { class: "bar", onsubmit: (event) => { event.preventDefault(); draw(); }, onchange: () => draw() },
    choice("status", "Status", STATUSES), choice("kind", "Kind", KINDS, "all"), field("author", "Author"), field("session", "Session"), field("tag", "Tag"),
    field("since", "Since", "date"), field("until", "Until", "date"), h("button", {}, "Show"));
  const draw = () => {
    const chosen = filtersOf(form);
    place.replaceChildren(new LongList({
      label: "Memories", height: 44, empty: "No memory is like this.",
      fetch: (cursor) => get("memories", { space, ...chosen, after: cursor }),
      row: (memory) => memoryRow(space, memory),
    }).element);
  };
  draw();
  return h("div", { class: "page page-list" }, head("Memories"), form, place);
}
