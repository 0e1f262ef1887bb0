// Server-sent events over `fetch`, for EventSource cannot send a key.

import { jobPath, send } from "./api.js";

/** The server sends a comment every 15 s: silence for longer than this is a dead line. */
const SILENCE_MS = 45_000;

/**
 * Reads a job's events until the server closes the stream.
 * @param {(event: {seq: number, type: string, at_s: number, data: object}) => void} onEvent
 */
export async function readEvents(id, afterSeq, onEvent, signal) {
  const line = new AbortController();
  const stop = () => line.abort();
  signal.addEventListener("abort", stop, { once: true });
  let watchdog = setTimeout(stop, SILENCE_MS);
  try {
    const headers = { Accept: "text/event-stream", ...(afterSeq ? { "Last-Event-ID": String(afterSeq) } : {}) };
    const response = await send(`${jobPath(id)}/events`, { headers, signal: line.signal, cache: "no-store" });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const take = parser(onEvent);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, SILENCE_MS);
      take(value);
    }
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener("abort", stop);
    line.abort();
  }
}

/** Cuts text into events, at blank lines, wherever the network cut it. */
export function parser(onEvent) {
  let rest = "";
  return (text) => {
    rest += text;
    // A lone \r at the end may be half of a \r\n.
    const whole = rest.endsWith("\r") ? rest.slice(0, -1) : rest;
    const blocks = whole.replace(/\r\n?/g, "\n").split("\n\n");
    rest = blocks.pop() + rest.slice(whole.length);
    for (const block of blocks) {
      const data = block.split("\n").filter((row) => row.startsWith("data:")).map((row) => row.slice(5).replace(/^ /, ""));
      if (data.length) onEvent(JSON.parse(data.join("\n")));
    }
  };
}
