// Calls of the server. The session's cookie goes by itself; the token goes in a header that no other site can send.

let session = null;
let over = () => {};

export const rights = () => new Set(session ? session.rights : []);
export const who = () => session;
export const onOver = (listener) => { over = listener; };

async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (session) headers["X-Mneme-Token"] = session.token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answered;
  try {
    answered = await fetch(`/ui/api/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  if (answered.status === 204) return null;
  const plain = await answered.json().catch(() => ({}));
  if (answered.ok) return plain;
  const error = new Error(plain.detail || `The server answered ${answered.status}.`);
  Object.assign(error, { status: answered.status, problem: plain });
  if (answered.status === 401 && path !== "session") { session = null; over(); }
  throw error;
}

const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return new URLSearchParams(given).toString();
};

export const get = (path, values) => call("GET", `${path}?${query(values || {})}`);
export const post = (path, space, body) => call("POST", `${path}?${query({ space })}`, body);

/** Finds the session that a reload left, or begins one with a key. */
export async function enter(key) {
  session = key === undefined ? await call("GET", "session") : await call("POST", "session", { key });
  return session;
}

export async function leave() {
  await call("DELETE", "session");
  session = null;
}
