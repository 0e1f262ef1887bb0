// The finished picture: slider or still, with layers over it that can be shown and faded.

import { drawBoxes } from "../marking.js";
import { flawLayer, heatCanvas, missedLayer, outlineOf, tintCanvas } from "../overlays.js";
import { slider } from "../slider.js";
import { h } from "../dom.js";
import { fateOf } from "../words.js";

const MASK_TINTS = [[230, 80, 130], [90, 140, 250], [240, 180, 50], [120, 200, 90], [180, 110, 240], [60, 200, 210]];

/** The picture of one job with its layers. */
export class ResultCanvas {
  #layers = new Map();

  /**
   * @param view the job. @param {Pictures} pictures @param {{id, number, title}[]} flaws
   * @param {(id: string) => void} onPick a pin was pressed.
   */
  constructor(view, pictures, flaws, onPick) {
    this.view = view;
    this.pictures = pictures;
    this.sizeHw = view.input.size_hw;
    const [height, width] = this.sizeHw;
    this.stage = h("div", { class: "stage result" });
    this.stage.style.setProperty("--aspect", String(width / height));
    this.stage.style.setProperty("--natural", `${width}px`);
    this.changed = view.accepted_patch_ids.length > 0 && Boolean(view.artifacts["result.png"]);
    const outlined = flaws.map((flaw) => ({ ...flaw, fate: fateOf(view, flaw.id), outline: outlineOf(flaw.region) }));
    this.flaws = flawLayer(outlined, this.sizeHw, onPick);
    this.missed = missedLayer([], this.sizeHw);
    this.note = h("p", { class: "error", hidden: true });
    this.root = h("div", { class: "canvas" }, this.stage, this.#bar(flaws.length), this.note);
    this.#load().catch((error) => this.#complain(`The picture could not be loaded: ${error.message}`));
  }

  /** Shows the boxes that the user marked as missed. */
  showMissed(boxes) {
    const fresh = missedLayer(boxes, this.sizeHw);
    this.missed.replaceWith(fresh);
    this.missed = fresh;
  }

  /** Marks one flaw's outline; none with null. */
  light(id) {
    for (const element of this.flaws.querySelectorAll("[data-flaw]")) element.classList.toggle("lit", element.dataset.flaw === id);
  }

  /** Lets the user draw one box. @returns {() => void} ends it without. */
  askForBox(onBox) {
    this.stage.dataset.mode = "mark";
    this.stage.scrollIntoView({ block: "center" });
    const end = drawBoxes(this.stage, this.sizeHw, (box) => { done(); onBox(box); });
    const done = () => { end(); delete this.stage.dataset.mode; };
    return done;
  }

  async #load() {
    const { artifacts } = this.view;
    const before = artifacts["original.png"] && await this.pictures.source(artifacts["original.png"]);
    if (!before) return;
    const picture = this.changed
      ? slider(before, await this.pictures.source(artifacts["result.png"]), this.#startPercent())
      : h("img", { src: before, alt: "The picture, unchanged", draggable: false });
    this.stage.prepend(picture);
    this.stage.append(this.flaws, this.missed);
    this.stage.classList.add("ready");
  }

  /** The bar begins in the middle of the first repair, where there is something to see. */
  #startPercent() {
    const kept = new Set(this.view.accepted_patch_ids);
    const patch = this.view.patches.find(({ id }) => kept.has(id));
    const [x0, , x1] = patch.box_xyxy_px;
    return Math.min(85, Math.max(15, (100 * (x0 + x1)) / 2 / this.sizeHw[1]));
  }

  #bar(flawCount) {
    const { artifacts } = this.view;
    const masks = Object.keys(artifacts).filter((name) => name.startsWith("masks/"));
    const choices = [
      flawCount && ["flaws", "Flaws", true],
      masks.length && ["masks", "Masks", false],
      artifacts["saliency/before.png"] && ["heat-before", "Heat map, before", false],
      this.changed && artifacts["saliency/after.png"] && ["heat-after", "Heat map, after", false],
      this.changed && artifacts["edited_mask.png"] && ["edited", "Edited area", false],
    ].filter(Boolean);
    if (!choices.length) return null;
    const opacity = h("input", { type: "range", min: "10", max: "100", value: "75" });
    opacity.addEventListener("input", () => this.stage.style.setProperty("--layer-opacity", String(opacity.value / 100)));
    return h("fieldset", { class: "layers" }, h("legend", {}, "Show over the picture"),
      choices.map(([name, label, on]) => {
        const box = h("input", { type: "checkbox", checked: on, value: name });
        box.addEventListener("change", () => this.#toggle(name, box, masks));
        return h("label", { class: "chip" }, box, h("span", {}, label));
      }),
      choices.some(([name]) => name !== "flaws") && h("label", { class: "inline opacity" }, "Opacity ", opacity));
  }

  async #toggle(name, box, masks) {
    if (name === "flaws") { this.flaws.hidden = !box.checked; return; }
    if (box.checked && !this.#layers.has(name)) {
      try {
        const layer = h("div", { class: "layer faded" }, await this.#drawn(name, masks));
        this.#layers.set(name, layer);
        this.flaws.before(layer);
      } catch (error) {
        box.checked = false;
        this.#complain(`This layer could not be loaded: ${error.message}`);
        return;
      }
    }
    const layer = this.#layers.get(name);
    if (layer) layer.hidden = !box.checked;
  }

  async #drawn(name, masks) {
    const image = (artifact) => this.pictures.decoded(this.view.artifacts[artifact]);
    if (name === "masks") return Promise.all(masks.map(async (mask, index) => tintCanvas(await image(mask), MASK_TINTS[index % MASK_TINTS.length])));
    if (name === "edited") return tintCanvas(await image("edited_mask.png"));
    return heatCanvas(await image(name === "heat-before" ? "saliency/before.png" : "saliency/after.png"));
  }

  #complain(text) {
    this.note.textContent = text;
    this.note.hidden = false;
  }
}
