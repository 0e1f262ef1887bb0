// The page: which view stands at which address, the key's button, and what stays while views change.

import { entitle, focusHeading } from "./announce.js";
import { askForKey, forgetKey, storedKey } from "./key.js";
import { composeView } from "./views/compose.js";
import { historyView } from "./views/history.js";
import { jobView } from "./views/job.js";

const main = document.getElementById("main");
let current = null;
let draft = null;

/** Goes to an address of the page, even to the one that it stands at. */
function go(hash, withDraft = null) {
  draft = withDraft;
  if (location.hash === hash) show({ moved: true });
  else location.hash = hash;
}

function viewAt(hash) {
  const job = /^#\/jobs\/([A-Za-z0-9_-]+)$/.exec(hash);
  if (job) return jobView({ id: job[1], go });
  if (hash === "#/jobs") return historyView();
  return composeView({ go, draft });
}

function show({ moved }) {
  current?.dispose();
  current = viewAt(location.hash);
  draft = null;
  main.replaceChildren(current.root);
  entitle(current.title);
  for (const link of document.querySelectorAll("nav a")) {
    const href = link.getAttribute("href");
    const here = href === (location.hash || "#/");
    // A job's own view belongs to "My jobs" without being that page.
    if (here || (href === "#/jobs" && location.hash.startsWith("#/jobs/"))) link.setAttribute("aria-current", here ? "page" : "true");
    else link.removeAttribute("aria-current");
  }
  if (!moved) return;
  window.scrollTo(0, 0);
  focusHeading(main);
}

const keyButton = document.getElementById("key-button");
const showKey = () => { keyButton.hidden = !storedKey(); };
keyButton.addEventListener("click", async () => {
  forgetKey();
  await askForKey(false);
  show({ moved: true });
});
document.addEventListener("keychange", showKey);
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
window.addEventListener("hashchange", () => show({ moved: true }));
showKey();
show({ moved: false });
