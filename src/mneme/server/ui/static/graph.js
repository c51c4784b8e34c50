// The graph around a memory: forces place the nodes, the same way every time; a list beside it says the same in words.

import { chip, h, s } from "./dom.js";

const WIDTH = 760;
const HEIGHT = 440;
const ROUNDS = 260;

export function graph({ nodes, edges }, link) {
  if (nodes.length < 2) return h("p", { class: "quiet" }, "Nothing is linked to it yet.");
  const placed = place(nodes, edges);
  const byId = new Map(placed.map((node) => [node.id, node]));
  const lines = edges.map((edge) => {
    const [a, b] = [byId.get(edge.source), byId.get(edge.target)];
    return s("g", {}, s("line", { class: `edge edge-${edge.type.replace(/[^a-z]/g, "-")}`, x1: a.x, y1: a.y, x2: b.x, y2: b.y }),
      s("text", { class: "edge-name", x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 - 4, "text-anchor": "middle" }, placed.length <= 14 ? edge.type.replaceAll("_", " ") : ""));
  });
  const dots = placed.map((node) => {
    const right = node.x < WIDTH * 0.66;
    const name = node.text.length > 34 ? node.text.slice(0, 33) + "…" : node.text;
    return s("a", { href: link(node.id), class: `node node-${node.distance}`, "aria-label": `${node.kind}: ${node.text.slice(0, 120)}` },
      s("circle", { cx: node.x, cy: node.y, r: node.distance === 0 ? 11 : 7 }),
      placed.length <= 30 ? s("text", { x: node.x + (right ? 14 : -14), y: node.y + 4, "text-anchor": right ? "start" : "end" }, name) : s("title", {}, name));
  });
  const named = edges.slice(0, 200).map((edge) => h("li", {}, ref(byId.get(edge.source), link), chip(edge.type.replaceAll("_", " "), "quiet"), ref(byId.get(edge.target), link)));
  return h("div", { class: "graph" },
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": "Graph around this memory" }, lines, dots),
    h("details", {}, h("summary", {}, "The same as a list"), h("ul", { class: "edges" }, named)));
}

const ref = (node, link) => h("a", { href: link(node.id) }, node.text.slice(0, 70) || node.id);

function place(nodes, edges) {
  const placed = nodes.map((node, index) => {
    const angle = index * 2.399963;
    const far = node.distance === 0 ? 0 : 70 + 14 * Math.sqrt(index) * node.distance;
    return { ...node, x: WIDTH / 2 + Math.cos(angle) * far, y: HEIGHT / 2 + Math.sin(angle) * far * 0.6 };
  });
  const at = new Map(placed.map((node, index) => [node.id, index]));
  const pairs = edges.map((edge) => [at.get(edge.source), at.get(edge.target)]);
  const apart = Math.sqrt((WIDTH * HEIGHT) / placed.length) * 0.75;
  for (let round = 0; round < ROUNDS; round += 1) {
    const heat = 14 * (1 - round / ROUNDS) + 0.2;
    const push = placed.map(() => [0, 0]);
    for (let i = 0; i < placed.length; i += 1) {
      for (let j = i + 1; j < placed.length; j += 1) pull(push, placed, i, j, (far) => -(apart * apart) / far);
    }
    for (const [i, j] of pairs) pull(push, placed, i, j, (far) => (far * far) / apart);
    placed.forEach((node, index) => {
      const [dx, dy] = [push[index][0] + (WIDTH / 2 - node.x) * 0.04, push[index][1] + (HEIGHT / 2 - node.y) * 0.09];
      const force = Math.hypot(dx, dy) || 1;
      node.x = Math.min(Math.max(node.x + (dx / force) * Math.min(force, heat), 20), WIDTH - 20);
      node.y = Math.min(Math.max(node.y + (dy / force) * Math.min(force, heat), 18), HEIGHT - 18);
    });
  }
  return placed;
}

function pull(push, placed, i, j, strength) {
  const dx = placed[j].x - placed[i].x;
  const dy = placed[j].y - placed[i].y;
  const far = Math.max(Math.hypot(dx, dy), 1);
  const force = strength(far) / far;
  push[i][0] += dx * force; push[i][1] += dy * force;
  push[j][0] -= dx * force; push[j][1] -= dy * force;
}
