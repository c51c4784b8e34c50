// Rows that several pages show.

import { chip, count, h, status, time } from "./dom.js";
import { link } from "./app.js";

/** A memory as one line that leads to its page. */
export function memoryRow(space, memory, tone) {
  return h("a", { class: `row ${tone || ""}`, href: link(space, "memory", memory.id) },
    h("span", { class: "row-side" }, time(memory.at)),
    chip(memory.kind),
    memory.status === "active" ? null : status(memory.status),
    memory.author ? h("span", { class: "row-who" }, memory.author) : null,
    h("span", { class: "row-text" }, line(memory)),
    memory.valid_to ? h("span", { class: "quiet" }, "until ", time(memory.valid_to)) : null);
}

/** A text on one line, with its length when it is cut. */
export function line(record) {
  const text = record.text.replace(/\s+/g, " ").trim() || "(empty)";
  return record.length > record.text.length ? [text, " … ", h("span", { class: "quiet" }, `${count(record.length)} characters`)] : text;
}

export function head(title, ...more) {
  return h("div", { class: "head" }, h("h1", {}, title), more);
}

/** Fills a place with what a promise brings, or says why it does not. */
export async function later(place, promise, build) {
  place.append(h("p", { class: "quiet", role: "status" }, "Loading …"));
  try {
    const found = await promise;
    place.replaceChildren(...[build(found)].flat(3).filter(Boolean));
  } catch (error) {
    place.replaceChildren(h("p", { class: "bad", role: "alert" }, error.message));
  }
}
