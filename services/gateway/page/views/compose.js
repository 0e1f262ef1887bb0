// The first view: a picture, its prompt, options, and off it goes.

import { announce } from "../announce.js";
import { button, h } from "../dom.js";
import { problemCard } from "../problem_card.js";
import { examples } from "./examples.js";
import { Markings } from "./markings.js";
import { optionsForm } from "./options.js";
import { dropZone, openPicture } from "./picking.js";
import { sendJob } from "./sending.js";

/**
 * @param {{go: (hash: string) => void, draft?: {file: File, prompt: string, options: object, note?: string}}} context a draft
 *     is an earlier job to be run again.
 */
export function composeView({ go, draft = null }) {
  const view = new Compose(go);
  if (draft) view.take(draft);
  return { root: view.root, title: "", dispose: () => view.dispose() };
}

class Compose {
  #picture = null;
  #markings = null;

  constructor(go) {
    this.go = go;
    this.zone = dropZone((file) => this.pick(file));
    this.stage = h("div", { class: "picked" });
    this.left = h("div", { class: "left" }, this.zone.root);
    this.prompt = h("textarea", { id: "prompt", rows: "4", maxlength: "2000", "aria-describedby": "prompt-hint prompt-error", placeholder: 'a café terrace with a sign that says "FRESH COFFEE"' });
    this.promptError = h("p", { class: "error", id: "prompt-error", hidden: true });
    this.pictureError = h("div", {});
    this.options = optionsForm();
    this.place = h("div", { class: "place" });
    this.submit = h("button", { class: "button primary", type: "submit" }, "Retouch");
    this.options.root.addEventListener("change", () => this.#label());
    const form = h("form", { class: "right", novalidate: true },
      h("div", { class: "field" }, h("label", { for: "prompt" }, "The prompt it was made from"), this.prompt,
        h("small", { class: "quiet", id: "prompt-hint" }, "Words in quotes are what should stand in the picture."), this.promptError),
      this.options.root, h("div", { class: "row" }, this.submit), this.place);
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#send(); });
    this.prompt.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
    this.prompt.addEventListener("input", () => this.#complain(""));
    this.examples = examples((file, prompt) => { this.prompt.value = prompt; this.#complain(""); return this.pick(file); });
    this.lead = h("p", {}, "Image models get most of a picture right and a few details wrong. This finds them, repairs each, looks again, and keeps only what is better. Every other pixel stays as it was.");
    this.root = h("div", { class: "compose" },
      h("div", { class: "intro" }, h("h1", {}, "Fix the small things that went wrong"), this.lead),
      h("div", { class: "workbench" }, h("div", {}, this.left, this.pictureError), form), this.examples);
  }

  /** Shows a picture and lets the user mark on it. */
  async pick(file) {
    let picture;
    try {
      picture = await openPicture(file);
    } catch (error) {
      this.pictureError.replaceChildren(problemCard(error));
      return;
    }
    this.#forget();
    this.#picture = picture;
    const [height, width] = picture.sizeHw;
    const stage = h("div", { class: "stage" }, picture.image);
    stage.style.setProperty("--aspect", String(width / height));
    stage.style.setProperty("--natural", `${width}px`);
    this.#markings = new Markings(stage, picture.sizeHw);
    const caption = h("div", { class: "row caption" },
      h("span", { class: "quiet name" }, `${file.name || "pasted picture"} · ${width} × ${height} px`),
      button("Other picture", () => this.zone.open(), { kind: "small" }), button("Remove", () => this.#remove(), { kind: "small plain" }));
    this.left.replaceChildren(h("div", { class: "picked" }, stage, caption, this.#markings.root), this.zone.root);
    this.zone.root.hidden = true;
    this.pictureError.replaceChildren();
    this.examples.hidden = true;
    this.lead.hidden = true;
    announce(`Picture chosen, ${width} by ${height} pixels`);
    if (!this.prompt.value) this.prompt.focus({ preventScroll: true });
    else this.submit.focus({ preventScroll: true });
  }

  /** An earlier job as a draft. */
  async take({ file, prompt, options, note }) {
    this.prompt.value = prompt;
    this.options.set(options);
    this.#label();
    await this.pick(file);
    for (const box of options.region_boxes_px ?? []) this.#markings?.addBox(box);
    if (note) this.place.replaceChildren(h("p", { class: "note" }, note));
  }

  dispose() {
    this.place.dispatchEvent(new Event("leave"));
    this.#forget();
    this.zone.dispose();
  }

  #remove() {
    this.#forget();
    this.left.replaceChildren(this.zone.root);
    this.zone.root.hidden = false;
    this.examples.hidden = false;
    this.lead.hidden = false;
    this.zone.root.querySelector("input").focus();
  }

  #forget() {
    this.#picture?.dispose();
    this.#picture = null;
    this.#markings = null;
  }

  #label() {
    this.submit.textContent = this.options.values().mode === "analyze" ? "Look for flaws" : "Retouch";
  }

  #complain(text) {
    this.promptError.textContent = text;
    this.promptError.hidden = !text;
    if (text) this.prompt.setAttribute("aria-invalid", "true");
    else this.prompt.removeAttribute("aria-invalid");
  }

  async #send() {
    if (!this.#picture) {
      const error = new Error("Drop one on this page, paste it, or choose a file.");
      this.pictureError.replaceChildren(problemCard(Object.assign(error, { title: "A picture is missing" })));
      this.zone.root.querySelector("input").focus();
      return;
    }
    if (!this.prompt.value.trim()) {
      this.#complain("Write the prompt that the picture was made from, or describe what it should show.");
      this.prompt.focus();
      return;
    }
    this.submit.disabled = true;
    const form = await this.#form();
    const view = await sendJob(form, this.place);
    this.submit.disabled = false;
    if (view && this.root.isConnected) this.go(`#/jobs/${view.id}`);
  }

  async #form() {
    const form = new FormData();
    const request = { prompt: this.prompt.value, ...this.options.values() };
    if (this.#markings.boxes.length) request.regions = this.#markings.boxes;
    const shield = await this.#markings.protectedMask();
    form.append("request", JSON.stringify(request));
    form.append("image", this.#picture.file, this.#picture.file.name || "picture");
    if (shield) form.append("protected", shield, "protected.png");
    return form;
  }
}
