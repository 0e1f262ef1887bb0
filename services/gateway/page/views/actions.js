// What can be done with a finished job: its files, another run, and deleting it.

import { call, jobPath } from "../api.js";
import { button, h } from "../dom.js";
import { save } from "../pictures.js";

const LABELS = { "result.png": "Result", "original.png": "Original", "edited_mask.png": "Edited area", "report.html": "Report", "saliency/before.png": "Heat map, before", "saliency/after.png": "Heat map, after" };

const labelOf = (name) => LABELS[name] ?? (name.startsWith("masks/") ? `Mask of ${name.slice(6, -4)}` : name);

/** The files of a job to save. The record is the very JSON that the API gives. */
export function downloads(view, pictures) {
  const error = h("p", { class: "error", hidden: true });
  const fetched = async (work) => {
    try {
      await work();
      error.hidden = true;
    } catch (problem) {
      error.textContent = `This could not be saved: ${problem.message}`;
      error.hidden = false;
    }
  };
  const file = (name, kind = "small") => button(labelOf(name), () =>
    fetched(async () => save(await pictures.blob(view.artifacts[name]), fileName(view, name))), { drawing: "download", kind, "data-artifact": name });
  const record = button("Record", () => fetched(async () => {
    const text = JSON.stringify(await call("GET", jobPath(view.id)), null, 2);
    save(new Blob([text], { type: "application/json" }), fileName(view, "record.json"));
  }), { drawing: "download", kind: "small" });
  const names = Object.keys(view.artifacts);
  const main = ["result.png", "report.html"].filter((name) => names.includes(name));
  const more = names.filter((name) => !main.includes(name));
  return h("section", { class: "downloads", "aria-labelledby": "downloads-title" },
    h("h2", { id: "downloads-title" }, "Take it with you"),
    h("div", { class: "row" }, main.map((name, index) => file(name, index === 0 ? "primary" : "")), record),
    more.length > 0 && h("details", {}, h("summary", {}, "More files"), h("div", { class: "row" }, more.map((name) => file(name)))), error);
}

const fileName = (view, name) => `${view.client_id ?? view.id}-${name.replaceAll("/", "-")}`;

/** Another run of the same picture, as a draft to change before it is sent. */
export async function draftOf(view, pictures, changes = {}) {
  const blob = await pictures.blob(view.artifacts["original.png"]);
  const file = new File([blob], "picture.png", { type: "image/png" });
  const shielded = view.regions.some((region) => region.protected_share > 0);
  const note = shielded ? "The earlier job had a protected area: paint it again." : null;
  return { file, prompt: view.input.prompt, options: { ...view.options, ...changes }, note };
}

/** Asks before a job is deleted. @returns {Promise<boolean>} */
export function confirmDelete() {
  const dialog = document.getElementById("delete-dialog");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "delete"), { once: true }));
}
