// Keeps a job's view up to date: loads it, follows its events, and comes back after every interruption.

import { Away, Problem, call, jobPath } from "./api.js";
import { readEvents } from "./events.js";

const ENDED = new Set(["succeeded", "failed", "canceled"]);
const QUEUE_POLL_MS = 2500;
const LONGEST_WAIT_S = 15;
const REOPEN_MS = 300;

export const hasEnded = (view) => ENDED.has(view.status);

/**
 * Follows a job to its end.
 * @param {{onView: Function, onEvent: Function, onAway: Function, onBack: Function}} told `onAway(seconds)` before each new try.
 * @throws what no new try would change: no such job, no key.
 */
export async function follow(id, told, signal) {
  let seq = 0;
  let failures = 0;
  let ended = false;
  const look = async () => {
    const view = await call("GET", jobPath(id), { signal });
    if (failures) told.onBack();
    failures = 0;
    // Two looks may be on their way at once: the end is shown once.
    if (ended) return;
    ended = hasEnded(view);
    told.onView(view);
  };
  while (!signal.aborted) {
    try {
      if (!ended) await look();
      if (ended) return;
      await watch(id, seq, look, (event) => {
        if (event.seq <= seq) return false;
        seq = event.seq;
        told.onEvent(event);
        return true;
      }, signal);
      // A stream that ends before the job does is opened again, though not in haste.
      if (!ended) await pause(REOPEN_MS, signal);
    } catch (error) {
      if (signal.aborted || ended) return;
      if (!passes(error)) throw error;
      failures += 1;
      const waitS = error.retryAfterS ?? Math.min(LONGEST_WAIT_S, 2 ** (failures - 1));
      told.onAway(waitS);
      await pause(waitS * 1000, signal);
    }
  }
}

/** Reads events; looks again at whatever they change, and at the queue's position while the job waits. */
async function watch(id, seq, look, take, signal) {
  let started = false;
  let failure = null;
  const looking = () => look().catch((error) => { failure ??= error; });
  const poll = setInterval(() => { if (!started) looking(); }, QUEUE_POLL_MS);
  const onEvent = (event) => {
    started = true;
    if (take(event) && event.type !== "stage.started") looking();
  };
  try {
    await readEvents(id, seq, onEvent, signal);
  } catch (error) {
    // A line that broke on its way is the same as a server that went away.
    throw error instanceof Problem || error instanceof Away || passesNot(error) ? error : new Away();
  } finally {
    clearInterval(poll);
  }
  if (failure) throw failure;
}

const passesNot = (error) => error.code === "key_needed";

function passes(error) {
  return error instanceof Away || (error instanceof Problem && (error.status === 429 || error.status >= 500));
}

/** Waits, unless the view is left. */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
