// Builds elements. Text is always text: nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties, listeners (`onclick`), attributes and children; null children are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && !name.includes("-") && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

/** An SVG element with attributes and children. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(2)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
}

const PATHS = {
  picture: "M4 5h16v14H4zM4 16l4.5-5 4 4.5 3-3L20 17M15.5 9.2a.8.8 0 1 0 .01 0",
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  alert: "M12 4.5l8.5 15h-17zM12 10v4.5M12 17v.3",
  eye: "M2.8 12S6.3 6 12 6s9.2 6 9.2 6-3.5 6-9.2 6S2.8 12 2.8 12zM12 9.4a2.6 2.6 0 1 0 .01 0",
  brush: "M14.5 4.5l5 5L10 19H5v-5zM12 7l5 5",
  box: "M5 5h14v14H5z",
  undo: "M8 5L4 9l4 4M4 9h10a5 5 0 0 1 0 10H9",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  bin: "M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7",
  again: "M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4",
  key: "M8.5 12.5a3.5 3.5 0 1 1 2.8 1.4L9 16.2H7V18.2H4.5V15.7z",
  clock: "M12 4a8 8 0 1 0 .01 0M12 8v4.3l3 1.9",
};

/** A line drawing that says nothing to a screen reader. */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}

/** A button with an optional drawing. */
export function button(label, onclick, { kind = "", drawing = null, ...rest } = {}) {
  return h("button", { type: "button", class: `button ${kind}`, onclick, ...rest }, drawing && icon(drawing), h("span", {}, label));
}

let serial = 0;
/** An id that nothing else on the page has. */
export const freshId = (stem) => `${stem}-${++serial}`;
