// Pictures of jobs: fetched with the key (an <img> cannot send one), kept while a view shows them.

import { send } from "./api.js";

/** The pictures of one view; `dispose` frees them all. */
export class Pictures {
  #loading = new Map();
  #urls = [];
  #ended = new AbortController();

  /** An `<img>` source for a path of the API. */
  source(path) {
    return this.#kept(path, () => this.blob(path).then((blob) => {
      const url = URL.createObjectURL(blob);
      this.#urls.push(url);
      return url;
    }));
  }

  /** The decoded picture, for drawing. */
  decoded(path) {
    return this.#kept(`decoded ${path}`, async () => {
      const image = new Image();
      image.src = await this.source(path);
      await image.decode();
      return image;
    });
  }

  async blob(path) {
    const response = await send(path, { signal: this.#ended.signal });
    return response.blob();
  }

  dispose() {
    this.#ended.abort();
    for (const url of this.#urls) URL.revokeObjectURL(url);
  }

  /** One download for many who ask; one that failed is not kept, so that the next may succeed. */
  #kept(name, make) {
    if (!this.#loading.has(name)) {
      const promise = make();
      promise.catch(() => this.#loading.delete(name));
      this.#loading.set(name, promise);
    }
    return this.#loading.get(name);
  }
}

/** A small square-ish picture of a blob, drawn at `side` pixels at the most. */
export async function thumbnail(blob, side) {
  const whole = await createImageBitmap(blob);
  const scale = Math.min(1, side / Math.max(whole.width, whole.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(whole.width * scale));
  canvas.height = Math.max(1, Math.round(whole.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return canvas;
}

/** Offers a blob as a file to save. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
