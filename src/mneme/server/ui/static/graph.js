// The graph around a memory: forces place the nodes, the same way every time; a list beside it says the same in words.

import { chip, h, s } from "./dom.js";

const WIDTH = 760;
const HEIGHT = 440;
const ROUNDS = 260;
const LINE = 22;

export function graph({ nodes, edges }, link) {
  if (nodes.length < 2) return h("p", { class: "quiet" }, "Nothing is linked to it yet.");
  const placed = place(nodes, edges);
  const byId = new Map(placed.map((node) => [node.id, node]));
  const lines = edges.map((edge) => {
    const [a, b] = [byId.get(edge.source), byId.get(edge.target)];
    return s("g", {}, s("line", { class: `edge edge-${edge.type.replace(/[^a-z]/g, "-")}`, x1: a.x, y1: a.y, x2: b.x, y2: b.y }),
      s("text", { class: "edge-name", x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 - 4, "text-anchor": "middle" }, placed.length <= 14 ? edge.type.replaceAll("_", " ") : ""));
  });
  const names = named_apart(placed);
  const dots = placed.map((node) => {
    const name = names.get(node.id);
    return s("a", { href: link(node.id), class: `node node-${node.distance}`, "aria-label": `${node.kind}: ${node.text.slice(0, 120)}` },
      s("circle", { cx: node.x, cy: node.y, r: node.distance === 0 ? 11 : 7 }),
      s("title", {}, node.text.slice(0, 200)),
      name ? s("text", { "text-anchor": name.anchor }, name.lines.map((line, index) => s("tspan", { x: name.x, y: name.y + 14 * index }, line))) : null);
  });
  const listed = edges.slice(0, 200).map((edge) => h("li", {}, ref(byId.get(edge.source), link), chip(edge.type.replaceAll("_", " "), "quiet"), ref(byId.get(edge.target), link)));
  return h("div", { class: "graph" },
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": "Graph around this memory" }, lines, dots),
    h("details", {}, h("summary", {}, "The same as a list"), h("ul", { class: "edges" }, listed)));
}

/** Where each node's name can stand without covering another; a name that finds no place is told by the list and on pointing. */
function named_apart(placed) {
  const taken = placed.map((node) => ({ left: node.x - 9, right: node.x + 9, top: node.y - 9, bottom: node.y + 9 }));
  const names = new Map();
  for (const node of [...placed].sort((a, b) => a.distance - b.distance)) {
    const lines = lines_of(node.text);
    const width = Math.max(...lines.map((line) => line.length)) * 7.4;
    const tall = 14 * lines.length;
    const places = [["middle", node.x, node.y + 26], ["middle", node.x, node.y - tall - 2], ["start", node.x + 14, node.y + 10 - tall / 2], ["end", node.x - 14, node.y + 10 - tall / 2]];
    for (const [anchor, x, y] of places) {
      const left = anchor === "middle" ? x - width / 2 : anchor === "start" ? x : x - width;
      const box = { left, right: left + width, top: y - 12, bottom: y - 12 + tall };
      const free = box.left > 0 && box.right < WIDTH && box.top > 0 && box.bottom < HEIGHT
        && taken.every((other) => other.right < box.left || other.left > box.right || other.bottom < box.top || other.top > box.bottom);
      if (free) { taken.push(box); names.set(node.id, { anchor, x, y, lines }); break; }
    }
  }
  return names;
}

/** The beginning of a text on at most two short lines. */
function lines_of(text) {
  const words = text.replace(/\s+/g, " ").trim().split(" ");
  const lines = [""];
  for (const word of words) {
    const last = lines[lines.length - 1];
    if (last && last.length + word.length > LINE) {
      if (lines.length === 2) { lines[1] += " …"; break; }
      lines.push(word.slice(0, LINE));
    } else lines[lines.length - 1] = `${last} ${word.slice(0, LINE)}`.trim();
  }
  return lines;
}

const ref = (node, link) => h("a", { href: link(node.id) }, node.text.slice(0, 70) || node.id);

function place(nodes, edges) {
  const placed = nodes.map((node, index) => {
    const angle = index * 2.399963 + 0.9;
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
      const [dx, dy] = [push[index][0] + (WIDTH / 2 - node.x) * 0.04, push[index][1] + (HEIGHT / 2 - node.y) * 0.06];
      const force = Math.hypot(dx, dy) || 1;
      node.x = Math.min(Math.max(node.x + (dx / force) * Math.min(force, heat), 20), WIDTH - 20);
      node.y = Math.min(Math.max(node.y + (dy / force) * Math.min(force, heat), 18), HEIGHT - 48);
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
