// Speaks to screen readers through the page's one live region, and keeps the window's title.

const BRAND = "Agentic Retoucher";
let last = "";

/** Says a sentence politely; the same sentence twice in a row is said once. */
export function announce(sentence) {
  if (!sentence || sentence === last) return;
  last = sentence;
  document.getElementById("live").textContent = sentence;
}

/** Sets the window's title. */
export function entitle(title) {
  document.title = title ? `${title} · ${BRAND}` : BRAND;
}

/** Moves the focus to the view's heading, so that a reader begins where the view does. */
export function focusHeading(root) {
  const heading = root.querySelector("h1");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}
