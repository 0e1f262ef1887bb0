// What no detector saw: the user draws a box, or gives one by numbers, and says what it is.

import { announce } from "../announce.js";
import { call } from "../api.js";
import { button, h } from "../dom.js";
import { capital, categoryWords } from "../words.js";

/** @param {Feedback} feedback @param {ResultCanvas} canvas of the job. */
export function missedPanel(feedback, canvas) {
  const list = h("ul", { class: "boxes", "aria-label": "Flaws that were missed" });
  const place = h("div", {});
  const error = h("p", { class: "error", hidden: true });
  const start = button("Something was missed", () => begin(), { drawing: "box", kind: "small" });

  function begin() {
    start.disabled = true;
    const end = canvas.askForBox((box) => { fill(box); });
    place.replaceChildren(h("p", { class: "row" }, h("span", {}, "Draw a box around it on the picture."),
      button("By numbers", () => { end(); fill(null); }, { kind: "small" }), button("Never mind", () => { end(); close(); }, { kind: "small plain" })));
    announce("Draw a box around it on the picture, or choose By numbers");
  }
  function close() {
    place.replaceChildren();
    start.disabled = false;
    start.focus();
  }
  function fill(box) {
    if (box) canvas.showMissed([...feedback.missed.map((entry) => entry.box_xyxy_px), box]);
    place.replaceChildren(form(box, canvas.sizeHw, async (fields) => {
      await feedback.miss(fields.box, fields.category, fields.comment);
      announce("Kept as missed");
      close();
    }, () => { show(); close(); }));
  }
  async function remove(entry) {
    try {
      await feedback.takeBack(entry.id);
      error.hidden = true;
      announce("Taken back");
    } catch (problem) {
      error.textContent = `This was not taken back: ${problem.message}`;
      error.hidden = false;
    }
  }
  function show() {
    const boxes = feedback.missed.map((entry) => entry.box_xyxy_px);
    canvas.showMissed(boxes);
    list.replaceChildren(...feedback.missed.map((entry) => h("li", {},
      h("span", {}, entry.category ? capital(categoryWords(entry.category)) : "Something", ` at ${entry.box_xyxy_px[0]}, ${entry.box_xyxy_px[1]}`, entry.comment && `: ${entry.comment}`),
      button("Take back", () => remove(entry), { kind: "small plain" }))));
  }
  return { root: h("div", { class: "missed-panel" }, start, place, error, list), show };
}

function form(box, [height, width], onKeep, onGiveUp) {
  const category = h("select", { id: "missed-category" }, h("option", { value: "" }, "I cannot say"));
  // Without the list the flaw can still be kept, unnamed.
  call("GET", "/v1/categories").then(({ categories }) => category.append(...categories.map(({ name }) => h("option", { value: name }, capital(categoryWords(name))))), () => {});
  const comment = h("input", { type: "text", id: "missed-comment", maxlength: "2000" });
  const numbers = box ? [] : [["Left", width], ["Top", height], ["Right", width], ["Bottom", height]].map(([name, most]) => [name, h("input", { type: "number", min: "0", max: String(most), step: "1", required: true })]);
  const error = h("p", { class: "error", role: "alert", hidden: true });
  const element = h("form", { class: "missed-form" },
    numbers.length > 0 && h("div", { class: "row numbers" }, numbers.map(([name, input]) => h("label", { class: "inline" }, name, " ", input))),
    h("div", { class: "field" }, h("label", { for: "missed-category" }, "What is it?"), category),
    h("div", { class: "field" }, h("label", { for: "missed-comment" }, "In words"), comment), error,
    h("div", { class: "row" }, h("button", { class: "button small primary" }, "Keep"), button("Never mind", onGiveUp, { kind: "small plain" })));
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await onKeep({ box: box ?? numbers.map(([, input]) => Number(input.value)), category: category.value || null, comment: comment.value.trim() });
    } catch (problem) {
      error.textContent = `This was not kept: ${problem.message}`;
      error.hidden = false;
    }
  });
  queueMicrotask(() => (numbers[0]?.[1] ?? category).focus());
  return element;
}
