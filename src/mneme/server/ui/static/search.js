import { post } from "./api.js";
import { link } from "./app.js";
import { chip, count, h, plural, replace, s, status, time } from "./dom.js";
import { choice, KINDS } from "./memories.js";
import { head, line } from "./rows.js";

const LAST_SHADE = 7; // what counts little shares one shade

/** A recall, and why each hit is where it is. */
export function search(space, query) {
  const found = h("section", { class: "found", "aria-label": "Hits", "aria-live": "polite" });
  const form = h("form", { class: "bar", role: "search", onsubmit: (event) => { event.preventDefault(); run(); } },
    h("label", { for: "query" }, "Question"), h("input", { id: "query", name: "query", type: "search", class: "wide", autocomplete: "off", value: query.get("q") || "" }),
    choice("kind", "Kind", KINDS, "all"), h("span", { class: "pair" }, h("label", { for: "k" }, "Hits"), h("input", { id: "k", type: "number", min: 1, max: 100, value: "10", class: "tiny" })),
    h("span", { class: "pair" }, h("label", { for: "as-of" }, "As of"), h("input", { id: "as-of", type: "date" })),
    h("label", { class: "check" }, h("input", { id: "archived", type: "checkbox" }), "archived too"), h("button", { class: "strong" }, "Search"));
  const run = async () => {
    const value = (id) => form.querySelector(`#${id}`).value;
    if (!value("query").trim()) return;
    history.replaceState(null, "", `${link(space, "search")}?${new URLSearchParams({ q: value("query") })}`);
    replace(found, h("p", { class: "quiet" }, "Searching …"));
    const call = { query: value("query"), k: Number(value("k")) || 10, archived: form.querySelector("#archived").checked };
    if (value("kind")) call.kinds = [value("kind")];
    if (value("as-of")) call.as_of = new Date(`${value("as-of")}T12:00:00`).toISOString();
    try { replace(found, ...results(space, await post("search", space, call))); } catch (error) { replace(found, h("p", { class: "bad", role: "alert" }, error.message)); }
  };
  if (query.get("q")) run();
  setTimeout(() => form.querySelector("#query").focus());
  return h("div", { class: "page" }, head("Search"), form, found);
}

function results(space, { hits, context, sufficiency, trace, context_tokens: tokens }) {
  if (hits.length === 0) return [h("p", {}, "Nothing was found.")];
  const names = [...new Set(hits.flatMap((hit) => Object.keys(hit.bars)))].sort((a, b) => total(hits, b) - total(hits, a));
  const shade = new Map(names.map((name, index) => [name, Math.min(index, LAST_SHADE)]));
  const widest = Math.max(...hits.map((hit) => Object.values(hit.bars).reduce((sum, value) => sum + Math.abs(value), 0)), 1e-9);
  const took = trace ? trace.stages_ms.reduce((sum, [, ms]) => sum + ms, 0) : 0;
  return [
    h("p", { class: "quiet" }, plural(hits.length, "hit"), took ? ` in ${took.toFixed(1)} ms (${trace.stages_ms.map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(", ")})` : "",
      sufficiency ? `; evidence is enough with ${Math.round(sufficiency * 100)} %` : ""),
    h("div", { class: "legend-row", "aria-hidden": "true" }, names.map((name) => h("span", { class: `legend shade-${shade.get(name)}` }, h("i", {}), name))),
    h("ol", { class: "hits" }, hits.map((hit) => h("li", { class: "hit" }, card(space, hit, shade, widest)))),
    h("details", { class: "panel" }, h("summary", {}, `The context that a prompt would get (${count(tokens || 0)} tokens)`), h("pre", { class: "context", tabindex: "0" }, context)),
  ];
}

const total = (hits, name) => hits.reduce((sum, hit) => sum + Math.abs(hit.bars[name] || 0), 0);

function card(space, hit, shade, widest) {
  const bars = Object.entries(hit.bars).filter(([, value]) => value).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const notes = Object.entries(hit.notes);
  return [
    h("div", { class: "hit-head" }, h("span", { class: "rank" }, hit.place), chip(hit.kind), hit.status === "active" ? null : status(hit.status), hit.author ? h("b", {}, hit.author) : null,
      time(hit.at), hit.session ? chip(hit.session, "quiet") : null, h("span", { class: "score" }, `score ${hit.score.toFixed(3)}`)),
    h("a", { class: "hit-text", href: link(space, "memory", hit.id) }, line(hit)),
    stacked(bars, shade, widest),
    h("details", {}, h("summary", {}, "Why"), table(bars, shade), notes.length ? h("ul", {}, notes.map(([name, value]) => h("li", {}, `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`))) : null),
  ];
}

function stacked(bars, shade, widest) {
  let x = 0;
  const parts = bars.map(([name, value]) => {
    const width = (Math.abs(value) / widest) * 1000;
    const part = s("rect", { class: `bar-part shade-${shade.get(name)} ${value < 0 ? "against" : ""}`, x, y: 0, width: Math.max(width - 1.5, 0.5), height: 12 }, s("title", {}, `${name} ${value.toFixed(3)}`));
    x += width;
    return part;
  });
  const told = bars.slice(0, 4).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
  return s("svg", { class: "stacked", viewBox: "0 0 1000 12", preserveAspectRatio: "none", role: "img", "aria-label": `What made the score: ${told || "nothing"}` }, parts);
}

function table(bars, shade) {
  const most = Math.max(...bars.map(([, value]) => Math.abs(value)), 1e-9);
  return h("table", { class: "why" }, h("thead", {}, h("tr", {}, ["channel or feature", "adds", "share"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, bars.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "number" }, value.toFixed(4)),
      h("td", {}, s("svg", { class: "bar-svg", viewBox: "0 0 200 10", preserveAspectRatio: "none", "aria-hidden": "true" },
        s("rect", { class: `bar-part shade-${shade.get(name)} ${value < 0 ? "against" : ""}`, x: 0, y: 0, width: (Math.abs(value) / most) * 200, height: 10 })))))));
}
