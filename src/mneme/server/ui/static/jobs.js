import { get, post, rights } from "./api.js";
import { action, count, h, plural, replace, status, time, toast } from "./dom.js";
import { head, later } from "./rows.js";

/** Work that is deferred; what was given up can be put back into the queue or dropped. */
export function jobs(space) {
  const page = h("div", { class: "page" });
  const load = () => later(page, get("jobs", { space }), (found) => build(space, found, () => { replace(page); return load(); }));
  load();
  return page;
}

function build(space, { items, of }, reload) {
  const act = (label, path, ids, said) => action(label, async () => { await post(`jobs/${path}`, space, { ids }); toast(said); await reload(); });
  const both = (ids, said) => rights().has("write") ? [act("Try again", "retry", ids, `${said} back in the queue.`), act("Drop", "drop", ids, `${said} dropped.`)] : [];
  const dead = items.filter((job) => job.state === "dead");
  return [
    head("Jobs", h("span", { class: "quiet" }, items.length < of ? `${count(items.length)} of ${count(of)}` : count(of))),
    dead.length ? h("section", { class: "panel" }, h("h2", {}, `Given up: ${plural(dead.length, "job")}`), h("div", { class: "actions" }, both([], "All that was given up is"))) : null,
    items.length ? h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Jobs" }, h("table", { class: "table" },
      h("thead", {}, h("tr", {}, ["State", "Task", "Attempts", "Due", "Id", "Error", ""].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, items.map((job) => h("tr", {}, h("td", {}, status(job.state)), h("td", {}, job.task), h("td", {}, job.attempts), h("td", {}, time(job.due_at)), h("td", {}, h("code", {}, job.id)), h("td", {}, job.error || ""),
        h("td", {}, job.state === "dead" ? h("div", { class: "actions" }, both([job.id], "The job is")) : null)))))) : h("p", { class: "quiet" }, "No work is waiting, and none was done."),
  ];
}
