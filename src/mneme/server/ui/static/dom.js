// Elements are made here and nowhere else. Text becomes text nodes, so nothing that was stored is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";
const SAFE_LINK = /^(#|\/(?!\/))/;

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else if (name === "href" && !SAFE_LINK.test(value)) continue;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** An HTML element: h("a", {class: "x", href: "#/"}, "text", [more]). Names that begin with "on" are listeners. */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An SVG element. */
export function s(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

export function replace(parent, ...children) {
  parent.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
}

const numbers = new Intl.NumberFormat("en");
export const count = (value) => numbers.format(value);
export const plural = (value, one, many) => `${count(value)} ${value === 1 ? one : many || one + "s"}`;

const two = (value) => String(value).padStart(2, "0");

/** A moment as year-month-day hour:minute in the reader's zone. */
export function when(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  return `${day(iso)} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function day(iso) {
  const at = new Date(iso);
  return `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export const time = (iso) => h("time", { datetime: iso, title: iso }, when(iso));

export function bytes(value) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return `${unit ? value.toFixed(1) : value} ${units[unit]}`;
}

export const chip = (text, tone) => h("span", { class: `chip ${tone ? "chip-" + tone : ""}` }, text);

const TONES = { active: "", archived: "quiet", quarantined: "warn", undone: "quiet", dead: "bad", leased: "good", done: "good" };
export const status = (name) => chip(name, TONES[name] ?? "");

/** Tells a short message to eyes and to screen readers; it goes after a while. */
export function toast(text, bad) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const note = h("div", { class: bad ? "toast toast-bad" : "toast" }, text);
  place.append(note);
  setTimeout(() => note.remove(), bad ? 9000 : 4000);
}

/** A dialog that takes the focus and gives it back; resolves to what `close` was given. */
export function dialog(title, build) {
  return new Promise((resolve) => {
    const heading = h("h2", { id: "dialog-title" }, title);
    const element = h("dialog", { "aria-labelledby": "dialog-title" });
    const close = (value) => { element.close(); element.remove(); resolve(value); };
    element.addEventListener("cancel", (event) => { event.preventDefault(); close(undefined); });
    fill(element, {}, [
      h("div", { class: "dialog-head" }, heading, h("button", { class: "plain", type: "button", "aria-label": "Close", onclick: () => close(undefined) }, "✕")),
      build(close),
    ]);
    document.body.append(element);
    element.showModal();
  });
}

/** A button that is off while what it started runs, and tells when it failed. */
export function action(label, run, properties) {
  const button = h("button", { type: "button", ...properties, onclick: async () => {
    button.disabled = true;
    try { await run(button); } catch (error) { toast(error.message, true); } finally { button.disabled = false; }
  } }, label);
  return button;
}
