import { get } from "./api.js";
import { link } from "./app.js";
import { h, plural } from "./dom.js";
import { LongList } from "./list.js";
import { head, later } from "./rows.js";

/** All spaces that the key opens. */
export function spaces() {
  const page = h("div", { class: "page page-list" });
  later(page, get("spaces"), (names) => {
    const place = h("div", { class: "grow" });
    const draw = (part) => {
      const found = names.filter((name) => name.toLowerCase().includes(part.toLowerCase()));
      place.replaceChildren(new LongList({
        label: "Spaces", height: 44, empty: names.length ? "No space has this in its name." : "There are no spaces yet.",
        fetch: async () => ({ items: found, next: null }),
        row: (name) => h("a", { class: "row", href: link(name, "overview") }, h("span", { class: "row-text" }, name)),
      }).element);
    };
    draw("");
    return [
      head("Spaces", h("span", { class: "quiet" }, plural(names.length, "space"))),
      h("div", { class: "bar" }, h("label", { for: "query" }, "Filter"), h("input", { id: "query", type: "search", oninput: (event) => draw(event.target.value) })),
      place,
    ];
  });
  return page;
}
