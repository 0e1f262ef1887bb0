"use strict";
// The page works without this script: both pictures are then shown one below the other.
document.documentElement.classList.add("js");

for (const compare of document.querySelectorAll(".compare")) {
  const range = compare.querySelector("input[type=range]");
  const move = () => {
    compare.style.setProperty("--at", range.value + "%");
    range.setAttribute("aria-valuetext", "original left of " + range.value + " percent, result right of it");
  };
  range.addEventListener("input", move);
  move();
}

for (const box of document.querySelectorAll("input[data-layer]")) {
  const layer = document.getElementById(box.dataset.layer);
  const show = () => { layer.hidden = !box.checked; };
  box.addEventListener("change", show);
  show();
}

// A crop opens in a dialog: original and result at one zoom, scrolled together.
const dialog = document.getElementById("zoom");
const panes = [...dialog.querySelectorAll(".pane")];
const zoom = dialog.querySelector("select");
let natural = 1;

function scale() {
  for (const pane of panes) {
    const image = pane.querySelector("img");
    image.style.width = zoom.value === "fit" ? "100%" : natural * Number(zoom.value) + "px";
    image.classList.toggle("pixels", Number(zoom.value) > 2);
  }
}

for (const button of document.querySelectorAll("button[data-zoom]")) {
  button.addEventListener("click", () => {
    const images = [...document.getElementById(button.dataset.zoom).querySelectorAll("figure img")];
    natural = Number(images[0].getAttribute("width"));
    panes.forEach((pane, index) => {
      pane.parentElement.hidden = index >= images.length;
      const image = pane.querySelector("img");
      if (index < images.length) {
        image.src = images[index].src;
        image.alt = images[index].alt;
      }
    });
    const wide = natural > 1.4 * Number(images[0].getAttribute("height"));
    dialog.querySelector(".panes").classList.toggle("stacked", wide || images.length === 1);
    zoom.value = "fit";
    dialog.querySelector("h2").textContent = button.dataset.title;
    dialog.showModal();
    scale();
  });
}
zoom.addEventListener("change", scale);
panes.forEach((pane, index) => pane.addEventListener("scroll", () => {
  const other = panes[1 - index];
  if (other.scrollLeft !== pane.scrollLeft) other.scrollLeft = pane.scrollLeft;
  if (other.scrollTop !== pane.scrollTop) other.scrollTop = pane.scrollTop;
}));
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

const copy = document.getElementById("copy");
if (navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById("replay").textContent);
    copy.textContent = "Copied";
  });
}
