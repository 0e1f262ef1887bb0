// The before/after slider: two pictures in one place, the left part shows the original. Works with pointer and keys.

import { h } from "./dom.js";

const STEPS = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10 };

/**
 * @param {string} beforeSource @param {string} afterSource image sources of one size.
 * @param {number} start where it stands first, in percent from the left.
 * @returns {HTMLElement} the slider; `moveTo(percent)` moves it.
 */
export function slider(beforeSource, afterSource, start = 50) {
  const handle = h("div", {
    class: "handle", role: "slider", tabindex: "0", "aria-label": "Compare before and after",
    "aria-orientation": "horizontal", "aria-valuemin": "0", "aria-valuemax": "100",
  }, h("span", { class: "knob", "aria-hidden": "true" }, "‹ ›"));
  const root = h("div", { class: "compare" },
    h("img", { class: "after", src: afterSource, alt: "The result", draggable: false }),
    h("img", { class: "before", src: beforeSource, alt: "The original", draggable: false }),
    h("span", { class: "tag left", "aria-hidden": "true" }, "Before"),
    h("span", { class: "tag right", "aria-hidden": "true" }, "After"),
    handle);
  let at = start;
  root.moveTo = (percent) => {
    at = Math.min(100, Math.max(0, percent));
    root.style.setProperty("--at", `${at}%`);
    root.classList.toggle("all-after", at < 8);
    root.classList.toggle("all-before", at > 92);
    handle.setAttribute("aria-valuenow", String(Math.round(at)));
    handle.setAttribute("aria-valuetext", `${Math.round(at)} percent original, ${Math.round(100 - at)} percent result`);
  };
  handle.addEventListener("keydown", (event) => {
    if (event.key === "Home") root.moveTo(0);
    else if (event.key === "End") root.moveTo(100);
    else if (event.key in STEPS) root.moveTo(at + STEPS[event.key] * (event.shiftKey ? 5 : 1));
    else return;
    event.preventDefault();
  });
  follow(root, handle);
  root.moveTo(start);
  return root;
}

/** The bar goes where the pointer presses, and along with it. */
function follow(root, handle) {
  const move = (event) => {
    const { left, width } = root.getBoundingClientRect();
    root.moveTo((100 * (event.clientX - left)) / width);
  };
  root.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button")) return;
    root.setPointerCapture(event.pointerId);
    move(event);
    handle.focus({ preventScroll: true });
    event.preventDefault();
  });
  root.addEventListener("pointermove", (event) => { if (root.hasPointerCapture(event.pointerId)) move(event); });
}
