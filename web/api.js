/** The client of the public API: two calls, and every way in which they can end as one plain object. */

import { key, service } from "./configuration.js";

/** A send waits for Restcomm at most ten seconds; whoever has not answered by then is not there. */
const PATIENCE_MS = 20_000;

const base = service.replace(/\/+$/, "");

/** `POST /otp/send`. The answer is good when it names a verification. */
export async function send(body) {
  const answer = await post("/otp/send", body);
  return { ...answer, ok: answer.ok && typeof answer.body.id === "string" };
}

/** `POST /otp/verify`. A 2xx means approved, and nothing else does. */
export async function verify(body) {
  const answer = await post("/otp/verify", body);
  return { ...answer, ok: answer.ok && answer.body.status === "approved" };
}

/**
 * `{ ok, status, code, body, retryAfter, date }`: `code` is the problem's, or `unreachable` where there was no answer
 * that could be read, be it that nobody is there or that CORS refused. `retryAfter` is in seconds.
 */
async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  if (key) {
    headers.Authorization = `Bearer ${key}`;
  }
  try {
    const response = await fetch(base + path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const read = await response.json();
    return {
      ok: response.ok,
      status: response.status,
      code: response.ok ? "" : String(read.code ?? "internal"),
      body: read,
      retryAfter: seconds(response.headers.get("Retry-After")),
      date: response.headers.get("Date"),
    };
  } catch {
    return { ok: false, status: 0, code: "unreachable", body: {} };
  }
}

function seconds(header) {
  return /^[0-9]+$/.test(header ?? "") ? Number(header) : undefined;
}
