// Asks the server, by the rights of the user who has logged in. The password is kept in memory
// only, and sent with each request; the browser's own store of passwords is not used.

import { EventReader } from "./sse.js";

// The page lies at BASE/ui/DIGEST/.
const base = new URL("../../", import.meta.url);
const patience = 8_000; // milliseconds; then the server counts as lost

// The server has answered with an error.
export class Problem extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }

  get isDenied() {
    return this.code === "denied";
  }
}

// There was no answer.
export class ConnectionLost extends Error {}

async function problemOf(response) {
  const text = await response.text();
  try {
    const problem = JSON.parse(text);
    return new Problem(response.status, problem.code, problem.detail);
  } catch {
    return new Problem(response.status, "failed", text || response.statusText);
  }
}

function basic(user, password) {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

export class Api {
  #authorization = null;

  async request(path, { headers = {}, timeout = patience, signal, ...options } = {}) {
    const ends = [signal, timeout === null ? null : AbortSignal.timeout(timeout)];
    const login = this.#authorization === null ? {} : { Authorization: this.#authorization };
    let response;
    try {
      response = await fetch(new URL(path, base), {
        ...options,
        // No password that the browser keeps, and no dialog of its own.
        credentials: "omit",
        cache: "no-store",
        headers: { ...headers, ...login },
        signal: AbortSignal.any(ends.filter((end) => end)),
      });
    } catch (error) {
      throw signal?.aborted ? error : new ConnectionLost(error.message);
    }
    if (!response.ok) {
      throw await problemOf(response);
    }
    return response;
  }

  async #body(response, how) {
    try {
      return await response[how]();
    } catch (error) {
      throw new ConnectionLost(error.message);
    }
  }

  async json(path) {
    return this.#body(await this.request(path), "json");
  }

  async text(path) {
    return this.#body(await this.request(path), "text");
  }

  // Calls a function. `timeout`: null for one that may take as long as the server lets it.
  async call(module, name, parameters = {}, { timeout = patience, signal } = {}) {
    const path = `call/${encodeURIComponent(module)}/${encodeURIComponent(name)}`;
    const response = await this.request(path, {
      method: "POST", timeout, signal, body: JSON.stringify(parameters),
      headers: { "Content-Type": "application/json" },
    });
    return this.#body(response, "json");
  }

  // Passes the items of a stream of events to `take` until it ends, or `signal` ends it.
  async stream(path, { after, signal, begun, take }) {
    const headers = after === null ? {} : { "Last-Event-ID": after };
    const response = await this.request(path, { headers, signal, timeout: null });
    begun();
    const reader = new EventReader();
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    try {
      for (;;) {
        const { value, done } = await pieces.read();
        if (done) {
          return;
        }
        take(reader.take(value));
      }
    } catch (error) {
      throw signal.aborted ? error : new ConnectionLost(error.message);
    }
  }

  // Logs in. Throws Problem if user and password are wrong; then the former login stays.
  async login(user, password) {
    const before = this.#authorization;
    this.#authorization = basic(user, password);
    try {
      return await this.json("ui/client");
    } catch (error) {
      this.#authorization = before;
      throw error;
    }
  }

  logout() {
    this.#authorization = null;
  }
}
