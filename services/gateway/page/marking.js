// Marking on a picture: boxes drawn with the pointer, and an area painted with a brush. Works in the picture's pixels.

import { svg } from "./dom.js";

/** A box smaller than this on either side is a slip of the hand; pixels of the picture. */
const SMALLEST_PX = 4;

/** Where an event lies on the picture, in its pixels. */
function pointOf(event, element, width, height) {
  const frame = element.getBoundingClientRect();
  return [((event.clientX - frame.left) / frame.width) * width, ((event.clientY - frame.top) / frame.height) * height];
}

/**
 * Lets the user draw boxes on an element that covers the picture.
 * @param {(box: number[]) => void} onBox with a box XYXY in whole pixels, half-open, inside the picture.
 * @returns {() => void} ends it.
 */
export function drawBoxes(element, [height, width], onBox) {
  const rubber = svg("rect", { class: "rubber" });
  const surface = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", class: "surface drawing" }, rubber);
  let from = null;
  const boxTo = (to) => [
    Math.max(0, Math.floor(Math.min(from[0], to[0]))), Math.max(0, Math.floor(Math.min(from[1], to[1]))),
    Math.min(width, Math.ceil(Math.max(from[0], to[0]))), Math.min(height, Math.ceil(Math.max(from[1], to[1]))),
  ];
  const show = ([x0, y0, x1, y1]) => {
    for (const [name, value] of Object.entries({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 })) rubber.setAttribute(name, value);
  };
  surface.addEventListener("pointerdown", (event) => {
    surface.setPointerCapture(event.pointerId);
    from = pointOf(event, surface, width, height);
    event.preventDefault();
  });
  surface.addEventListener("pointermove", (event) => { if (from) show(boxTo(pointOf(event, surface, width, height))); });
  const drop = () => { from = null; show([0, 0, 0, 0]); };
  surface.addEventListener("pointercancel", drop);
  surface.addEventListener("pointerup", (event) => {
    if (!from) return;
    const box = boxTo(pointOf(event, surface, width, height));
    drop();
    if (box[2] - box[0] >= SMALLEST_PX && box[3] - box[1] >= SMALLEST_PX) onBox(box);
  });
  element.append(surface);
  return () => surface.remove();
}

/** An area painted over a picture: white where nothing may change. */
export class Brush {
  #strokes = [];
  #base = null;

  /** @param {[number, number]} sizeHw of the picture, in pixels. */
  constructor([height, width]) {
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    this.canvas.className = "surface brush";
    this.diameterPx = Math.max(8, Math.round(Math.min(width, height) / 14));
    this.onchange = () => {};
    this.#listen();
  }

  get isEmpty() {
    return this.#strokes.length === 0 && this.#base === null;
  }

  undo() {
    if (this.#strokes.length) this.#strokes.pop();
    else this.#base = null;
    this.#redraw();
  }

  clear() {
    this.#strokes = [];
    this.#base = null;
    this.#redraw();
  }

  /** Takes a mask from a file: white (or anything light) is protected. */
  async load(file) {
    const picture = await createImageBitmap(file);
    if (picture.width !== this.canvas.width || picture.height !== this.canvas.height) {
      throw new Error(`The mask is ${picture.width} × ${picture.height}, the picture ${this.canvas.width} × ${this.canvas.height} pixels: use a mask of the picture's size.`);
    }
    const area = document.createElement("canvas");
    area.width = picture.width;
    area.height = picture.height;
    const context = area.getContext("2d");
    context.drawImage(picture, 0, 0);
    const pixels = context.getImageData(0, 0, area.width, area.height);
    for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at] > 127 ? 255 : 0;
    context.putImageData(pixels, 0, 0);
    this.#base = area;
    this.#redraw();
  }

  /** The mask as a PNG: white is protected, the rest black. */
  png() {
    const flat = document.createElement("canvas");
    flat.width = this.canvas.width;
    flat.height = this.canvas.height;
    const context = flat.getContext("2d");
    context.drawImage(this.canvas, 0, 0);
    // Whatever was painted, in any shade, becomes white; then black goes under it.
    context.globalCompositeOperation = "source-in";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, flat.width, flat.height);
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#000";
    context.fillRect(0, 0, flat.width, flat.height);
    return new Promise((resolve) => flat.toBlob(resolve, "image/png"));
  }

  #listen() {
    const { canvas } = this;
    const point = (event) => pointOf(event, canvas, canvas.width, canvas.height);
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#strokes.push({ diameterPx: this.diameterPx, points: [point(event)] });
      this.#redraw();
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      this.#strokes.at(-1).points.push(point(event));
      this.#draw(this.#strokes.at(-1));
    });
  }

  #draw({ diameterPx, points }) {
    const context = this.canvas.getContext("2d");
    context.lineCap = "round";
    context.lineJoin = "round";
    context.lineWidth = diameterPx;
    context.strokeStyle = "#2f6fd6";
    context.beginPath();
    context.moveTo(...points[0]);
    for (const to of points.length > 1 ? points.slice(1) : points) context.lineTo(...to);
    context.stroke();
  }

  #redraw() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.#base) {
      context.drawImage(this.#base, 0, 0);
      context.globalCompositeOperation = "source-in";
      context.fillStyle = "#2f6fd6";
      context.fillRect(0, 0, this.canvas.width, this.canvas.height);
      context.globalCompositeOperation = "source-over";
    }
    this.#strokes.forEach((stroke) => this.#draw(stroke));
    this.onchange();
  }
}
