// A flaw from near: the place before and after, cut out of the pictures.

import { h } from "../dom.js";
import { outlineOf } from "../overlays.js";

/** What a crop shows: the region, its line of text, its repairs, and a little around them; XYXY in pixels. */
function boxOf(view, { region }) {
  const [height, width] = view.input.size_hw;
  const points = [...outlineOf(region), ...(region.reading?.line_quad_px ?? [])];
  const kept = new Set(view.accepted_patch_ids);
  for (const patch of view.patches) {
    if (!kept.has(patch.id) || !patch.region_ids.includes(region.id)) continue;
    const [x0, y0, x1, y1] = patch.box_xyxy_px;
    points.push([x0, y0], [x1, y1]);
  }
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const margin = Math.max(12, 0.3 * Math.min(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)));
  return [
    Math.max(0, Math.floor(Math.min(...xs) - margin)), Math.max(0, Math.floor(Math.min(...ys) - margin)),
    Math.min(width, Math.ceil(Math.max(...xs) + margin)), Math.min(height, Math.ceil(Math.max(...ys) + margin)),
  ];
}

/** The pair of pictures; one alone where nothing changed there. */
export function cropPair(view, flaw, pictures) {
  const box = boxOf(view, flaw);
  const kept = new Set(view.accepted_patch_ids);
  const changed = view.patches.some((patch) => kept.has(patch.id) && patch.region_ids.includes(flaw.id));
  const upright = box[2] - box[0] < 1.5 * (box[3] - box[1]);
  const names = changed ? [["Before", "original.png"], ["After", "result.png"]] : [["From near", "original.png"]];
  return h("div", { class: `crops${changed && upright ? " upright" : ""}` },
    names.map(([name, artifact]) => crop(view.artifacts[artifact], box, `${name}, flaw ${flaw.number}`, name, pictures)));
}

function crop(path, [x0, y0, x1, y1], label, name, pictures) {
  const canvas = h("canvas", { width: x1 - x0, height: y1 - y0, role: "img", "aria-label": label });
  // Without the pictures the words remain; the large picture tells why they are not there.
  if (path) pictures.decoded(path).then((image) => canvas.getContext("2d").drawImage(image, x0, y0, x1 - x0, y1 - y0, 0, 0, x1 - x0, y1 - y0), () => {});
  return h("figure", {}, h("figcaption", { "aria-hidden": "true" }, name), canvas);
}
