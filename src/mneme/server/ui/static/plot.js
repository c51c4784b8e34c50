// Lines over time, as SVG.

import { count, day, h, s } from "./dom.js";

const LEFT = 56;
const RIGHT = 16;
const TOP = 12;
const BOTTOM = 28;

/**
 * @param {object} options
 *   label: what it shows, in words; series: [{name, tone, points: [[ms, value]]}]; step: whether values hold until the next point;
 *   mark: a moment to draw a line at, such as now.
 */
export function plot({ label, series, step = false, mark = null, width = 720, height = 220 }) {
  const all = series.flatMap((one) => one.points);
  if (all.length === 0) return h("p", { class: "quiet" }, "No points yet.");
  let [first, last] = [Math.min(...all.map((p) => p[0])), Math.max(...all.map((p) => p[0]))];
  if (last - first < 1000) { first -= 1800e3; last += 1800e3; }
  const low = Math.min(0, ...all.map((p) => p[1]));
  const top = nice(Math.max(...all.map((p) => p[1]), low + 1));
  const x = (ms) => LEFT + ((ms - first) / (last - first)) * (width - LEFT - RIGHT);
  const y = (value) => TOP + (1 - (value - low) / (top - low)) * (height - TOP - BOTTOM);
  const parts = [];
  for (let tick = 0; tick <= 4; tick += 1) {
    const value = low + ((top - low) * tick) / 4;
    parts.push(s("line", { class: "plot-grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }));
    parts.push(s("text", { class: "plot-tick", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, short(value)));
  }
  for (let tick = 0; tick <= 4; tick += 1) {
    const at = first + ((last - first) * tick) / 4;
    const anchor = tick === 0 ? "start" : tick === 4 ? "end" : "middle";
    parts.push(s("text", { class: "plot-tick", x: x(at), y: height - 8, "text-anchor": anchor }, stamp(at, last - first)));
  }
  if (mark !== null && mark > first && mark < last) {
    parts.push(s("line", { class: "plot-mark", x1: x(mark), x2: x(mark), y1: TOP, y2: height - BOTTOM }));
    parts.push(s("text", { class: "plot-tick", x: x(mark) + 5, y: TOP + 10 }, "now"));
  }
  for (const one of series) {
    const points = one.points.length === 1 ? [[first, one.points[0][1]], ...one.points] : one.points;
    const held = [...points, ...(points[points.length - 1][0] < last ? [[last, points[points.length - 1][1]]] : [])];
    const path = held.map(([ms, value], index) => {
      if (index === 0) return `M${x(ms).toFixed(1)},${y(value).toFixed(1)}`;
      return step ? `H${x(ms).toFixed(1)}V${y(value).toFixed(1)}` : `L${x(ms).toFixed(1)},${y(value).toFixed(1)}`;
    });
    parts.push(s("path", { class: `plot-line ${one.tone}`, d: path.join("") }));
    if (one.points.length <= 40) {
      for (const [ms, value] of one.points) {
        parts.push(s("circle", { class: `plot-dot ${one.tone}`, cx: x(ms), cy: y(value), r: 3.5 }, s("title", {}, `${one.name}: ${short(value)}, ${new Date(ms).toISOString()}`)));
      }
    }
  }
  const told = series.map((one) => `${one.name} ${short(one.points.length ? one.points[one.points.length - 1][1] : 0)}`).join(", ");
  return h("figure", { class: "plot" },
    s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${label}. At the end: ${told}.` }, parts),
    h("figcaption", {}, series.map((one) => h("span", { class: `legend ${one.tone}` }, h("i", { "aria-hidden": "true" }), one.name))));
}

function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].map((m) => m * power).find((m) => m >= value * 1.02) || value * 1.1;
}

function short(value) {
  if (Math.abs(value) >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  if (Math.abs(value) >= 1e4) return `${+(value / 1e3).toFixed(1)}k`;
  return Number.isInteger(value) ? count(value) : String(+value.toFixed(2));
}

function stamp(ms, span) {
  const at = new Date(ms);
  const clock = `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
  return span < 2 * 86400e3 ? `${day(at.toISOString()).slice(5)} ${clock}` : day(at.toISOString());
}
