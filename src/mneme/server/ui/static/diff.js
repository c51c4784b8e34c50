// What changed between two versions of a text, word by word.

const WORDS = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;
const FARTHEST = 600;
const LONGEST = 20000;

/** Pieces [{kind: "same" | "out" | "in", text}] that lead from one text to the other; long and very different texts are told as a whole. */
export function diff(before, after) {
  const a = before.match(WORDS) || [];
  const b = after.match(WORDS) || [];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const middle = between(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return joined([
    { kind: "same", text: a.slice(0, start).join("") },
    ...middle,
    { kind: "same", text: a.slice(a.length - end).join("") },
  ]);
}

function between(a, b) {
  const steps = a.length + b.length <= LONGEST ? shortest(a, b) : null;
  return steps || [{ kind: "out", text: a.join("") }, { kind: "in", text: b.join("") }];
}

/** The shortest edit script, by the greedy walk over furthest reaching paths; null when it would be longer than FARTHEST. */
function shortest(a, b) {
  const most = Math.min(a.length + b.length, FARTHEST);
  let reach = new Map([[1, 0]]);
  const walked = [];
  for (let cost = 0; cost <= most; cost += 1) {
    walked.push(new Map(reach));
    for (let k = -cost; k <= cost; k += 2) {
      const down = k === -cost || (k !== cost && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
      let x = down ? reach.get(k + 1) : reach.get(k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) return back(walked, a, b);
    }
  }
  return null;
}

function back(walked, a, b) {
  const steps = [];
  let x = a.length;
  let y = b.length;
  for (let cost = walked.length - 1; cost >= 0 && (x > 0 || y > 0); cost -= 1) {
    const reach = walked[cost];
    const k = x - y;
    const down = k === -cost || (k !== cost && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
    const from = down ? k + 1 : k - 1;
    const fromX = reach.get(from);
    const fromY = fromX - from;
    while (x > fromX && y > fromY && x > 0 && y > 0) { x -= 1; y -= 1; steps.push({ kind: "same", text: a[x] }); }
    if (cost === 0) break;
    if (down) { y -= 1; steps.push({ kind: "in", text: b[y] }); } else { x -= 1; steps.push({ kind: "out", text: a[x] }); }
  }
  return steps.reverse();
}

function joined(pieces) {
  const whole = [];
  for (const piece of pieces) {
    if (!piece.text) continue;
    const last = whole[whole.length - 1];
    if (last && last.kind === piece.kind) last.text += piece.text;
    else whole.push({ ...piece });
  }
  return whole;
}
