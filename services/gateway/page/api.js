// The HTTP API: JSON in and out, problem details as errors, the key on every request. Knows nothing of the page's views.

import { askForKey, storedKey } from "./key.js";

/** What the server says went wrong (RFC 9457). `retryAfterS` is null where it named no time. */
export class Problem extends Error {
  constructor(body, status, retryAfterS) {
    super(body.detail || body.title || `The server answered ${status}`);
    this.status = status;
    this.code = body.code || `http_${status}`;
    this.title = body.title || "";
    this.retryable = Boolean(body.retryable);
    this.fields = body.errors || [];
    this.retryAfterS = retryAfterS;
  }
}

/** The server does not answer at all. */
export class Away extends Error {
  constructor() {
    super("The server does not answer. Check that it runs and that you are connected; this page tries again by itself.");
    this.code = "server_away";
    this.retryable = true;
    this.fields = [];
    this.retryAfterS = null;
  }
}

/** The user closed the question for a key. */
export class NoKey extends Error {
  constructor() {
    super("This server wants an API key. The operator makes one with “retoucher keys create”.");
    this.code = "key_needed";
    this.retryable = false;
    this.fields = [];
    this.retryAfterS = null;
  }
}

function authorization() {
  const key = storedKey();
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/** `fetch` with the key; asks for one on 401 and tries again. */
export async function send(path, { headers = {}, ...options } = {}) {
  for (;;) {
    const key = storedKey();
    let response;
    try {
      response = await fetch(path, { ...options, headers: { ...headers, ...authorization() } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Away();
    }
    if (response.ok) return response;
    if (response.status !== 401) throw await problemOf(response);
    // Another request may have got a new key meanwhile: then that one is tried first.
    if (storedKey() === key && !(await askForKey(Boolean(key)))) throw new NoKey();
  }
}

async function problemOf(response) {
  const text = await response.text().catch(() => "");
  return problem(response.status, text, response.headers.get("Retry-After"));
}

function problem(status, text, retryAfter) {
  let body = {};
  try {
    body = JSON.parse(text) ?? {};
  } catch {
    body = { title: `The server answered ${status}`, detail: text.slice(0, 200) };
  }
  return new Problem(body, status, seconds(retryAfter));
}

function seconds(retryAfter) {
  if (!retryAfter) return null;
  const number = Number(retryAfter);
  return Number.isFinite(number) ? number : Math.max(0, (Date.parse(retryAfter) - Date.now()) / 1000);
}

const JSON_BODY = { "Content-Type": "application/json" };

/** The answer's JSON, or null where it has no body. */
export async function call(method, path, { body, signal } = {}) {
  const response = await send(path, {
    method,
    signal,
    headers: body === undefined ? {} : JSON_BODY,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return response.status === 204 ? null : response.json();
}

export const jobPath = (id) => `/v1/jobs/${encodeURIComponent(id)}`;

/**
 * Submits a job as multipart. XMLHttpRequest, for `fetch` tells nothing of how much is sent.
 * @param {FormData} form
 * @param {string} idempotencyKey the same one for every try of the same submission.
 * @param {(share: number) => void} onProgress share sent, in [0, 1].
 */
export async function submit(form, idempotencyKey, onProgress, signal) {
  for (;;) {
    const key = storedKey();
    const { status, text, retryAfter } = await post(form, idempotencyKey, onProgress, signal);
    if (status >= 200 && status < 300) return JSON.parse(text);
    if (status !== 401) throw problem(status, text, retryAfter);
    if (storedKey() === key && !(await askForKey(Boolean(key)))) throw new NoKey();
  }
}

function post(form, idempotencyKey, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/jobs");
    request.setRequestHeader("Idempotency-Key", idempotencyKey);
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("error", () => reject(new Away()));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    request.addEventListener("load", () =>
      resolve({ status: request.status, text: request.responseText, retryAfter: request.getResponseHeader("Retry-After") }));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

/** A name for a submission. `crypto.randomUUID` exists in secure contexts alone, and a LAN address is none. */
export function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
