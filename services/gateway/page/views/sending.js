// Sending a job: how much is sent, and what to do when the server is busy, away, or refuses.

import { announce } from "../announce.js";
import { freshKey, submit } from "../api.js";
import { button, h } from "../dom.js";
import { problemCard } from "../problem_card.js";

/**
 * Sends a form, as often as it takes, under one idempotency key: however often it arrives, it is one job.
 * @param {HTMLElement} place where progress and problems are shown.
 * @returns {Promise<object|null>} the job's view; null where the user stopped, or has to change something first.
 */
export async function sendJob(form, place) {
  const key = freshKey();
  for (;;) {
    try {
      return await once(form, key, place);
    } catch (error) {
      if (error.name === "AbortError") { place.replaceChildren(); return null; }
      const mayPass = error.retryable || error.status === 429 || error.status === 503 || error.code === "key_needed";
      if (!mayPass) { place.replaceChildren(problemCard(error)); return null; }
      if (!(await askAgain(error, place))) return null;
    }
  }
}

async function once(form, key, place) {
  const ended = new AbortController();
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Share of the picture sent" });
  const words = h("span", {}, "Sending the picture…");
  place.replaceChildren(h("div", { class: "sending" }, h("div", { class: "row" }, words, button("Stop", () => ended.abort(), { kind: "small plain" })), bar));
  place.addEventListener("leave", () => ended.abort(), { once: true });
  announce("Sending the picture");
  return submit(form, key, (share) => {
    bar.value = share;
    words.textContent = share < 1 ? `Sending the picture… ${Math.round(share * 100)}%` : "The server looks it over…";
  }, ended.signal);
}

/** Whether to send again: resolves once the user, or the countdown, says so; a `leave` event on the place says no. */
function askAgain(error, place) {
  return new Promise((resolve) => {
    place.replaceChildren(problemCard(error, { retry: () => resolve(true), giveUp: () => { place.replaceChildren(); resolve(false); } }));
    place.addEventListener("leave", () => resolve(false), { once: true });
  });
}
