// The tools over the chosen picture: protect an area with a brush, mark flaws with boxes, by pointer or by numbers.

import { button, h, svg } from "../dom.js";
import { Brush, drawBoxes } from "../marking.js";

const MOST_BOXES = 16;

/** Marks on one picture: `protectedMask()` and `boxes` are what the job is given. */
export class Markings {
  boxes = [];

  /** @param {HTMLElement} stage covers the picture. @param {[number, number]} sizeHw in pixels. */
  constructor(stage, sizeHw) {
    this.stage = stage;
    this.sizeHw = sizeHw;
    this.brush = new Brush(sizeHw);
    this.brush.onchange = () => this.#refresh();
    const [height, width] = sizeHw;
    this.drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", class: "surface shown", "aria-hidden": "true" });
    stage.append(this.brush.canvas, this.drawn);
    this.root = this.#panel();
    this.#choose("look");
  }

  /** A PNG of the protected area; null where nothing is protected. */
  async protectedMask() {
    return this.brush.isEmpty ? null : this.brush.png();
  }

  addBox(box) {
    if (this.boxes.length >= MOST_BOXES) return;
    this.boxes.push(box);
    this.#refresh();
  }

  #panel() {
    this.choices = ["look", "protect", "mark"].map((mode) => {
      const labels = { look: "Look", protect: "Protect an area", mark: "Mark flaws" };
      return h("button", { type: "button", "data-mode": mode, onclick: () => this.#choose(mode) }, labels[mode]);
    });
    const size = h("input", { type: "range", min: "4", max: String(Math.round(Math.min(...this.sizeHw) / 3)), value: String(this.brush.diameterPx), "aria-label": "Width of the brush in pixels" });
    size.addEventListener("input", () => { this.brush.diameterPx = Number(size.value); });
    const load = h("input", { type: "file", accept: "image/png", class: "unseen", id: "protected-file" });
    this.note = h("p", { class: "error", hidden: true });
    load.addEventListener("change", () => this.#load(load));
    this.undo = button("Undo", () => this.brush.undo(), { drawing: "undo", kind: "small" });
    this.brushTools = h("div", { class: "row tools" },
      h("label", { class: "inline" }, "Brush ", size), this.undo,
      load, h("label", { for: "protected-file", class: "button small" }, "Load a mask"),
      h("span", { class: "quiet" }, "What you paint blue is never changed."));
    this.list = h("ul", { class: "boxes", "aria-label": "Marked flaws" });
    this.boxTools = h("div", { class: "tools" },
      h("p", { class: "quiet" }, "Draw a box around each flaw that you see; those places are worked on whatever the detectors say."),
      this.list, this.#byNumbers());
    return h("div", { class: "markings" }, h("div", { class: "segments", role: "group", "aria-label": "What the pointer does on the picture" }, this.choices), this.brushTools, this.boxTools, this.note);
  }

  /** Boxes for those who use no pointer. */
  #byNumbers() {
    const [height, width] = this.sizeHw;
    const names = [["left", width], ["top", height], ["right", width], ["bottom", height]];
    const inputs = names.map(([name, most]) => h("input", { type: "number", min: "0", max: String(most), step: "1", required: true, "aria-label": `${name}, pixels` }));
    const form = h("form", { class: "row numbers" },
      names.map(([name], index) => h("label", { class: "inline" }, name, " ", inputs[index])), h("button", { class: "button small" }, "Add box"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const box = inputs.map((input) => Number(input.value));
      const whole = box[2] > box[0] && box[3] > box[1];
      this.#complain(whole ? "" : "A box needs its right edge right of its left one, and its bottom below its top.");
      if (!whole) return;
      this.addBox(box);
      form.reset();
    });
    return h("details", {}, h("summary", {}, "Give a box by numbers"), form);
  }

  async #load(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    try {
      await this.brush.load(file);
      this.#complain("");
    } catch (error) {
      this.#complain(error.name === "InvalidStateError" ? "This mask cannot be opened: use a PNG of the picture's size, white where nothing may change." : error.message);
    }
  }

  #complain(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  #choose(mode) {
    for (const choice of this.choices) choice.setAttribute("aria-pressed", String(choice.dataset.mode === mode));
    this.stage.dataset.mode = mode;
    this.brushTools.hidden = mode !== "protect";
    this.boxTools.hidden = mode !== "mark";
    this.endDrawing?.();
    this.endDrawing = mode === "mark" ? drawBoxes(this.stage, this.sizeHw, (box) => this.addBox(box)) : null;
    this.#refresh();
  }

  #refresh() {
    this.undo.disabled = this.brush.isEmpty;
    this.drawn.replaceChildren(...this.boxes.map(([x0, y0, x1, y1]) => svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: "marked" })));
    this.list.replaceChildren(...this.boxes.map((box, index) => h("li", {},
      h("span", {}, `Flaw ${index + 1}: ${box[2] - box[0]} × ${box[3] - box[1]} px at ${box[0]}, ${box[1]}`),
      button("Remove", () => { this.boxes.splice(index, 1); this.#refresh(); }, { kind: "small plain", "aria-label": `Remove flaw ${index + 1}` }))));
  }
}
