import { get } from "./api.js";
import { count, h, status, time } from "./dom.js";
import { head, later } from "./rows.js";

/** Work that is deferred. */
export function jobs(space) {
  const page = h("div", { class: "page" });
  later(page, get("jobs", { space }), ({ items, of }) => [
    head("Jobs", h("span", { class: "quiet" }, items.length < of ? `${count(items.length)} of ${count(of)}` : count(of))),
    items.length ? h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Jobs" }, h("table", { class: "table" },
      h("thead", {}, h("tr", {}, ["State", "Task", "Attempts", "Due", "Id", "Error"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, items.map((job) => h("tr", {}, h("td", {}, status(job.state)), h("td", {}, job.task), h("td", {}, job.attempts), h("td", {}, time(job.due_at)), h("td", {}, h("code", {}, job.id)), h("td", {}, job.error || "")))))) : h("p", { class: "quiet" }, "No work is waiting, and none was done."),
  ]);
  return page;
}
