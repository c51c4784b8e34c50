// A list of any length: only the rows in sight are elements. Pages are fetched as the reader comes near the end of what is known.

import { h, replace } from "./dom.js";

const AHEAD = 12;

/**
 * @param {object} options
 *   label: what screen readers call it; height: of every row, in pixels; row(item, index): its element;
 *   fetch(cursor): a promise of {items, next}; expand(items): rows of fetched items, as many as wanted; empty: shown when there is none.
 */
export class LongList {
  constructor(options) {
    this.options = options;
    this.rows = [];
    this.next = null;
    this.loading = false;
    this.ended = false;
    this.focused = -1;
    this.drawn = new Map();
    this.space = h("div", { class: "long-space", role: "list", "aria-label": options.label });
    this.note = h("p", { class: "long-note", role: "status" }, "Loading …");
    this.element = h("div", { class: "long", tabindex: "0", role: "region", "aria-label": options.label }, this.space, this.note);
    this.element.addEventListener("scroll", () => this.draw(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.move(event));
    new ResizeObserver(() => this.draw()).observe(this.element);
    this.more();
  }

  async more() {
    if (this.loading || this.ended) return;
    this.loading = true;
    try {
      const page = await this.options.fetch(this.next);
      const found = this.options.expand ? this.options.expand(page.items) : page.items;
      for (const item of found) this.rows.push(item);
      this.next = page.next;
      this.ended = page.next === null || page.next === undefined;
      replace(this.note, this.rows.length || !this.ended ? (this.ended ? "" : "Loading …") : this.options.empty || "Nothing here.");
    } catch (error) {
      this.ended = true;
      replace(this.note, error.message);
    } finally {
      this.loading = false;
    }
    this.draw();
  }

  draw() {
    const { height, row } = this.options;
    this.space.style.height = `${this.rows.length * height}px`;
    const top = this.element.scrollTop;
    const first = Math.max(Math.floor(top / height) - AHEAD, 0);
    const last = Math.min(Math.ceil((top + this.element.clientHeight) / height) + AHEAD, this.rows.length);
    for (const [index, element] of this.drawn) {
      if ((index < first || index >= last) && !element.contains(document.activeElement)) { element.remove(); this.drawn.delete(index); }
    }
    for (let index = first; index < last; index += 1) {
      if (this.drawn.has(index)) continue;
      const element = h("div", { class: "long-row", role: "listitem", "aria-posinset": index + 1, "aria-setsize": this.ended ? this.rows.length : -1 }, row(this.rows[index], index));
      element.style.height = `${height}px`;
      element.style.transform = `translateY(${index * height}px)`;
      this.drawn.set(index, element);
      const after = [...this.drawn.entries()].filter(([other]) => other > index).sort((a, b) => a[0] - b[0])[0];
      this.space.insertBefore(element, after ? after[1] : null);
    }
    if (last >= this.rows.length - 2 * AHEAD) this.more();
  }

  /** Arrow keys, j and k go from row to row; Home and End to the ends of what is known. */
  move(event) {
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    event.preventDefault();
    const here = [...this.drawn].find(([, element]) => element.contains(document.activeElement));
    let index = here ? here[0] : step > 0 ? -1 : 0;
    const direction = step < 0 ? -1 : 1;
    index = Math.min(Math.max(index + step, 0), this.rows.length - 1);
    while (index > 0 && index < this.rows.length - 1 && this.options.skip && this.options.skip(this.rows[index])) index += direction;
    this.focus(index);
  }

  focus(index) {
    const { height } = this.options;
    if (index < 0 || index >= this.rows.length) return;
    if (index * height < this.element.scrollTop) this.element.scrollTop = index * height;
    if ((index + 1) * height > this.element.scrollTop + this.element.clientHeight) this.element.scrollTop = (index + 1) * height - this.element.clientHeight;
    this.draw();
    const target = this.drawn.get(index);
    const link = target && target.querySelector("a, button");
    if (link) link.focus({ preventScroll: true });
  }
}
