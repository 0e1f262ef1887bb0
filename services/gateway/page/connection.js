// The strip that says that the server is away, and when it is tried again.

import { announce } from "./announce.js";

const strip = () => document.getElementById("connection");
let timer = null;

export const connection = {
  /** The server does not answer; the next try is in `seconds`. */
  away(seconds) {
    clearInterval(timer);
    const end = Date.now() + seconds * 1000;
    const first = strip().hidden;
    strip().hidden = false;
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      strip().textContent = left > 0 ? `The server does not answer. Trying again in ${left} s; nothing is lost.` : "The server does not answer. Trying again…";
    };
    timer = setInterval(tick, 500);
    tick();
    if (first) announce("The server does not answer. Trying again; nothing is lost.");
  },

  /** It answers again. */
  back() {
    clearInterval(timer);
    if (strip().hidden) return;
    strip().hidden = true;
    announce("The server answers again.");
  },
};
