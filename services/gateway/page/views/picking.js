// Getting a picture: dropped anywhere on the page, pasted, or chosen as a file.

import { h, icon } from "../dom.js";

/**
 * The place to drop a picture on.
 * @param {(file: File) => void} onFile
 * @returns {{root: HTMLElement, dispose: () => void}} `dispose` ends listening on the page.
 */
export function dropZone(onFile) {
  const input = h("input", { type: "file", id: "picture-file", class: "unseen", accept: "image/png,image/jpeg,image/webp", "aria-describedby": "picture-hint" });
  input.addEventListener("change", () => {
    if (input.files.length) onFile(input.files[0]);
    input.value = "";
  });
  const root = h("div", { class: "drop" }, input,
    h("label", { for: "picture-file" },
      icon("picture"),
      h("span", { class: "drop-title" }, "Drop a picture here"),
      h("span", {}, "or paste it, or ", h("u", {}, "choose a file")),
      h("span", { class: "quiet", id: "picture-hint" }, "PNG, JPEG or WebP, up to 20 MB")));
  return { root, open: () => input.click(), dispose: listen(onFile) };
}

function listen(onFile) {
  const ended = new AbortController();
  const on = (kind, listener) => document.addEventListener(kind, listener, { signal: ended.signal });
  let depth = 0;
  const hover = (inside) => {
    depth = inside ? depth + 1 : Math.max(0, depth - 1);
    document.body.classList.toggle("dropping", depth > 0);
  };
  const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  on("dragenter", (event) => carriesFile(event) && hover(true));
  on("dragleave", (event) => carriesFile(event) && hover(false));
  on("dragover", (event) => carriesFile(event) && event.preventDefault());
  on("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("dropping");
    if (event.dataTransfer.files.length) onFile(event.dataTransfer.files[0]);
  });
  on("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) { event.preventDefault(); onFile(file); }
  });
  return () => { ended.abort(); document.body.classList.remove("dropping"); };
}

/** The picture behind a file as the browser sees it, upright. @throws {Error} with a sentence, if it is none. */
export async function openPicture(file) {
  const url = URL.createObjectURL(file);
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    URL.revokeObjectURL(url);
    const error = new Error(`“${file.name || "What you gave"}” cannot be opened as a picture: choose a PNG, JPEG or WebP file.`);
    error.code = "not_an_image";
    throw error;
  }
  image.alt = "The picture to look at";
  image.draggable = false;
  return { file, image, sizeHw: [image.naturalHeight, image.naturalWidth], dispose: () => URL.revokeObjectURL(url) };
}
