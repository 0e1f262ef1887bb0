// An error as the user meets it: what happened, the code, the next step, and a countdown where the server named a time.

import { announce } from "./announce.js";
import { button, h, icon } from "./dom.js";

const TITLES = {
  server_away: "The server does not answer",
  key_needed: "A key is needed",
  not_an_image: "This is not a picture",
  unsupported_format: "This kind of picture is not read here",
  truncated_image: "The picture is cut off",
  animated_image: "The picture moves",
  image_too_large: "The picture is too large",
  image_too_small: "The picture is too small",
  empty_prompt: "The prompt is missing",
  prompt_too_long: "The prompt is too long",
  mask_size_mismatch: "The mask has another size",
  overloaded: "The server is busy",
  job_not_found: "There is no such job",
};

const titleOf = (error) =>
  error.status === 429 ? "Too many requests for now" : TITLES[error.code] ?? error.title ?? "Something went wrong";

/**
 * A card that tells of an error.
 * @param {{retry?: () => void, giveUp?: () => void}} next what can be done; where the error names a time, it is counted
 *     down and then tried by itself.
 */
export function problemCard(error, { retry = null, giveUp = null } = {}) {
  const title = titleOf(error) || "Something went wrong";
  const counted = retry && error.retryAfterS !== null && error.retryAfterS !== undefined;
  const fields = error.fields ?? [];
  const card = h("section", { class: "problem", "data-code": error.code ?? "", role: "group", "aria-label": title },
    icon("alert"),
    h("div", {},
      h("h2", {}, title),
      h("p", {}, error.message),
      fields.length > 0 && h("ul", {}, fields.map(({ field, message }) => h("li", {}, h("code", {}, field), " ", message))),
      error.code && h("p", { class: "quiet" }, "Code ", h("code", {}, error.code)),
      retry && h("div", { class: "row" }, counted && countdown(error.retryAfterS, retry), button(counted ? "Try now" : "Try again", retry, { drawing: "again" }),
        giveUp && button("Give up", giveUp, { kind: "plain" }))));
  announce(`${title}. ${error.message}`);
  return card;
}

/** Counts down to `retry`. It stops once it is off the page: then the user has tried, given up or gone elsewhere. */
function countdown(seconds, retry) {
  const number = h("b", {});
  const words = h("span", { class: "countdown", role: "timer" }, "Trying again in ", number);
  const end = Date.now() + seconds * 1000;
  const show = () => { number.textContent = `${Math.max(0, Math.ceil((end - Date.now()) / 1000))} s`; };
  const timer = setInterval(() => {
    show();
    if (!words.isConnected) clearInterval(timer);
    else if (Date.now() >= end) { clearInterval(timer); retry(); }
  }, 250);
  show();
  return words;
}
