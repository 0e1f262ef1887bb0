// What can lie over the picture: heat maps, masks, the edited area, and the flaws' outlines with numbered pins.

import { h, svg } from "./dom.js";

/** Dark violet to pale yellow, as heat maps are commonly drawn; [level, r, g, b]. */
const HEAT = [[0, 20, 11, 60], [0.25, 106, 23, 110], [0.5, 200, 55, 75], [0.75, 246, 135, 30], [1, 252, 250, 160]];
const EDITED_RGB = [20, 190, 170];

/** A grey map as colours that fade out where it is low. `image`: decoded; grey 0 to 255, higher is worse. */
export function heatCanvas(image) {
  return painted(image, (level) => [...ramp(level), 215 * Math.min(1, level * 1.6)]);
}

/** A mask as a flat tint. */
export function tintCanvas(image, [r, g, b] = EDITED_RGB) {
  return painted(image, (level) => [r, g, b, level > 0.02 ? 70 + 110 * level : 0]);
}

function painted(image, colour) {
  const canvas = document.createElement("canvas");
  // Large maps are smooth: half the picture's size looks the same and is drawn in a fraction of the time.
  const scale = Math.min(1, 1400 / Math.max(image.naturalWidth, image.naturalHeight));
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const table = Array.from({ length: 256 }, (_, grey) => colour(grey / 255));
  for (let at = 0; at < pixels.data.length; at += 4) pixels.data.set(table[pixels.data[at]], at);
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function ramp(level) {
  const next = HEAT.findIndex(([stop]) => stop >= level);
  if (next <= 0) return HEAT[0].slice(1);
  const [low, ...from] = HEAT[next - 1];
  const [high, ...to] = HEAT[next];
  const share = (level - low) / (high - low);
  return from.map((value, channel) => value + share * (to[channel] - value));
}

/** The outline of a region: the words' corners, or the box. */
export function outlineOf(region) {
  if (region.reading?.text) return region.reading.quad_px;
  const [x0, y0, x1, y1] = region.box_xyxy_px;
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

/**
 * The flaws over the picture.
 * @param {{id, number, title, fate, outline}[]} flaws
 * @param {[number, number]} sizeHw of the picture, in pixels.
 * @param {(id: string) => void} onPick
 */
export function flawLayer(flaws, [height, width], onPick) {
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    flaws.map(({ id, fate, outline }) => {
      const points = outline.map((point) => point.join(",")).join(" ");
      return svg("g", { class: `outline ${fate}`, "data-flaw": id }, svg("polygon", { points, class: "halo" }), svg("polygon", { points }));
    }));
  const pins = flaws.map(({ id, number, title, fate, outline }) => {
    const left = Math.min(...outline.map(([x]) => x));
    const top = Math.min(...outline.map(([, y]) => y));
    const pin = h("button", { type: "button", class: `pin ${fate}`, "data-flaw": id, "aria-label": `Flaw ${number}: ${title}`, onclick: () => onPick(id) }, String(number));
    pin.style.left = `${(100 * left) / width}%`;
    pin.style.top = `${(100 * top) / height}%`;
    return pin;
  });
  return h("div", { class: "layer flaws" }, drawing, pins);
}

/** Rectangles that were marked by hand. `missed` are boxes XYXY in pixels. */
export function missedLayer(boxes, [height, width]) {
  return h("div", { class: "layer" }, svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    boxes.map(([x0, y0, x1, y1]) => svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: "missed" }))));
}
