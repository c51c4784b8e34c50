// The frame: sessions, addresses, keys of the keyboard. A page is a function from its address to an element.

import * as api from "./api.js";
import { dialog, h, replace, toast } from "./dom.js";
import { erase } from "./erase.js";
import { journal } from "./journal.js";
import { jobs } from "./jobs.js";
import { memories } from "./memories.js";
import { memory } from "./memory.js";
import { overview } from "./overview.js";
import { review } from "./review.js";
import { search } from "./search.js";
import { spaces } from "./spaces.js";
import { timeline } from "./timeline.js";

const PAGES = {
  overview: ["Overview", overview, "o"],
  timeline: ["Timeline", timeline, "t"],
  search: ["Search", search, "s"],
  memories: ["Memories", memories, "m"],
  journal: ["Journal", journal, "j"],
  review: ["Review", review, "r"],
  jobs: ["Jobs", jobs, "b"],
  erase: ["Erase", erase, "e"],
};

const app = document.getElementById("app");
let waiting = "";

/** The address of a page of a space. */
export const link = (space, page, ...rest) => `#/${[space, page, ...rest].map(encodeURIComponent).join("/")}`;

function parts() {
  const [path, question] = location.hash.replace(/^#\/?/, "").split("?");
  try {
    return { path: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(question || "") };
  } catch {
    return { path: [], query: new URLSearchParams() };
  }
}

function show() {
  if (!api.who()) return;
  const { path, query } = parts();
  const [space, page = "overview", ...rest] = path;
  const main = h("main", { id: "main", tabindex: "-1" });
  const known = page === "memory" || PAGES[page];
  replace(app, h("div", { class: "frame" }, side(space, page), main), h("div", { id: "toasts", role: "status", "aria-live": "polite" }));
  document.title = space ? `${page === "memory" ? "Memory" : known ? PAGES[page][0] : "?"} · ${space} · mneme` : "mneme";
  if (!space) main.append(spaces());
  else if (page === "memory" && rest[0]) main.append(memory(space, rest[0]));
  else if (known && page !== "memory") main.append(PAGES[page][1](space, query, rest));
  else main.append(h("h1", {}, "There is no such page"), h("p", {}, h("a", { href: "#/" }, "All spaces")));
}

function side(space, page) {
  const entries = space ? Object.entries(PAGES).map(([name, [title, , key]]) =>
    h("li", {}, h("a", { href: link(space, name), "aria-current": name === page ? "page" : null, title: `${title} (g ${key})` }, title))) : [];
  return h("header", { class: "side" },
    h("a", { class: "brand", href: "#/" }, h("span", { class: "logo", "aria-hidden": "true" }), "mneme"),
    space ? h("p", { class: "space-name", title: space }, space) : null,
    entries.length ? h("nav", { "aria-label": "Pages" }, h("ul", {}, entries)) : null,
    h("div", { class: "side-foot" },
      h("button", { class: "plain", type: "button", onclick: theme }, "Light or dark"),
      h("button", { class: "plain", type: "button", onclick: help }, "Keyboard (?)"),
      api.who().keyed ? h("button", { class: "plain", type: "button", onclick: leave }, "Leave") : null));
}

function door(problem) {
  const field = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const note = h("p", { class: "bad", role: "alert" }, problem || "");
  const form = h("form", { class: "door", onsubmit: async (event) => {
    event.preventDefault();
    try { await api.enter(field.value.trim()); show(); } catch (error) { replace(note, error.message); field.select(); }
  } }, h("h1", {}, "mneme"), h("label", { for: "key" }, "Key"), field, note, h("button", { class: "strong" }, "Enter"),
  h("p", { class: "quiet" }, "The first start of the server printed one; `mneme keys create` makes more."));
  replace(app, h("main", { id: "main", tabindex: "-1" }, form));
  document.title = "mneme";
  field.focus();
}

async function leave() {
  await api.leave();
  door("");
}

function theme() {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("mneme-theme", document.documentElement.dataset.theme); } catch { /* a page may be refused storage */ }
}

function help() {
  const keys = [["/", "search"], ["j k ↑ ↓", "next and previous row"], ["Enter", "open"], ["Backspace", "go back"], ["?", "this help"],
    ...Object.values(PAGES).map(([title, , key]) => [`g ${key}`, title])];
  dialog("Keyboard", () => h("dl", { class: "keys" }, keys.map(([key, meaning]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning)])));
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || document.querySelector("dialog")) return;
  const space = parts().path[0];
  if (waiting === "g") {
    waiting = "";
    const page = Object.entries(PAGES).find(([, [, , key]]) => key === event.key);
    if (page && space) { event.preventDefault(); location.hash = link(space, page[0]); }
    return;
  }
  if (event.key === "g") { waiting = "g"; setTimeout(() => { waiting = ""; }, 1500); }
  if (event.key === "?") help();
  if (event.key === "Backspace") history.back();
  if (event.key === "/") {
    event.preventDefault();
    const field = document.getElementById("query");
    if (field) field.focus();
    else if (space) location.hash = link(space, "search");
  }
}

async function start() {
  try {
    const saved = localStorage.getItem("mneme-theme");
    if (saved) document.documentElement.dataset.theme = saved;
  } catch { /* a page may be refused storage */ }
  const shown = /^#key=([\w-]+)$/.exec(location.hash);
  // The key leaves the address before anything else happens, so that it stays in no history.
  if (shown) history.replaceState(null, "", "#/");
  try {
    await api.enter(shown ? shown[1] : undefined);
    show();
  } catch (error) {
    door(shown || error.status !== 401 ? error.message : "");
  }
}

api.onOver(() => door("The session is over."));
addEventListener("hashchange", () => { show(); const main = document.getElementById("main"); if (main && !main.contains(document.activeElement)) main.focus({ preventScroll: true }); });
addEventListener("keydown", pressed);
addEventListener("unhandledrejection", (event) => toast(event.reason && event.reason.message ? event.reason.message : "Something failed.", true));
start();
