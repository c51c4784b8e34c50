import { post, rights } from "./api.js";
import { bytes, count, dialog, h, plural, replace } from "./dom.js";
import { choice, field, filtersOf, KINDS } from "./memories.js";
import { head, memoryRow } from "./rows.js";

const WORD = "erase";

/** Removes for good what a filter names, after it was shown, and shows the report. */
export function erase(space) {
  const place = h("div", { "aria-live": "polite" });
  if (!rights().has("erase")) return h("div", { class: "page" }, head("Erase"), h("p", {}, "This key may not erase."));
  const form = h("form", { class: "bar", onsubmit: async (event) => {
    event.preventDefault();
    const target = asFilters(filtersOf(form));
    try { replace(place, preview(space, target, await post("preview", space, { target }), place)); } catch (error) { replace(place, h("p", { class: "bad", role: "alert" }, error.message)); }
  } }, choice("kind", "Kind", KINDS, "all"), field("author", "Author"), field("session", "Session"), field("tag", "Tag"), field("since", "Since", "date"), field("until", "Until", "date"), h("button", {}, "Preview"));
  return h("div", { class: "page" }, head("Erase"),
    h("p", {}, "Erasing removes content from every row, version, index and log, with what rests only on it, and then searches the raw bytes of the files for what was erased. It can't be undone."),
    form, place);
}

function asFilters(values) {
  const filters = { archived: true };
  for (const [one, many] of [["kind", "kinds"], ["author", "authors"], ["session", "sessions"], ["tag", "tags"]]) if (values[one]) filters[many] = [values[one]];
  for (const name of ["since", "until"]) if (values[name]) filters[name] = values[name];
  return filters;
}

/** Asks before one memory is erased, then shows the report. */
export function eraseOne(space, record) {
  return dialog("Erase for good", (close) => {
    const place = h("div");
    replace(place, memoryRow(space, record), confirm(space, record.id, place, () => close(true)));
    return place;
  });
}

function preview(space, target, found, place) {
  if (!found.count) return h("p", {}, "No memory is like this.");
  return h("section", { class: "panel" }, h("h2", {}, `${found.at_least ? "More than " : ""}${plural(found.at_least ? found.count - 1 : found.count, "memory", "memories")} would go, with what rests only on them`),
    h("ul", { class: "cards" }, found.sample.map((one) => h("li", {}, memoryRow(space, one)))), found.count > found.sample.length ? h("p", { class: "quiet" }, "and more") : null, confirm(space, target, place));
}

function confirm(space, target, place, cancel) {
  const word = h("input", { id: "word", type: "text", autofocus: true, autocomplete: "off", oninput: () => { button.disabled = word.value !== WORD; } });
  const button = h("button", { class: "danger", disabled: true }, "Erase for good");
  const note = h("p", { class: "bad", role: "alert" });
  return h("form", { class: "stack", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    replace(note, "");
    try {
      replace(place, report(await post("forget", space, { target, erase: true, reason: "inspector" })));
    } catch (error) {
      if (error.problem && error.problem.report) replace(place, h("p", { class: "bad", role: "alert" }, error.message), report(error.problem.report));
      else { replace(note, error.message); button.disabled = false; }
    }
  } }, h("label", { for: "word" }, `It can't be undone. Type ${WORD} to go on.`), word, note, h("div", { class: "actions" }, button, cancel ? h("button", { type: "button", onclick: cancel }, "Cancel") : null));
}

/** What was erased, and that it was searched for. */
function report(done) {
  if (!done.erased) return h("p", {}, "There was nothing to erase.");
  const clean = done.findings.length === 0;
  return h("section", { class: `panel ${clean ? "panel-good" : "panel-bad"}`, "aria-label": "Report", tabindex: "-1" },
    h("h2", {}, clean ? "Erased, and nothing of it was found" : "Traces were found"),
    h("p", {}, `${plural(done.erased.length, "record")} went, ${count(done.derived.length)} of them because they rested only on the others. ${bytes(done.searched_bytes)} were searched for ${plural(done.needles, "text, token or vector", "texts, tokens and vectors")}. Journal entry ${done.entry}.`),
    h("table", { class: "table" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Place"), h("th", { scope: "col" }, "Removed"))), h("tbody", {}, Object.entries(done.places).map(([place, times]) => h("tr", {}, h("th", { scope: "row" }, place), h("td", { class: "number" }, count(times)))))),
    done.findings.length ? h("ul", {}, done.findings.map((found) => h("li", {}, `${found.place}: ${found.what}`))) : null,
    done.outside.length ? [h("h3", {}, "Beyond the store's reach"), h("ul", {}, done.outside.map((one) => h("li", {}, one)))] : null);
}
