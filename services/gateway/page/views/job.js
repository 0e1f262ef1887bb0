// One job, from the queue to its result: follows it, and shows what fits its state.

import { announce, entitle, focusHeading } from "../announce.js";
import { call, jobPath } from "../api.js";
import { connection } from "../connection.js";
import { h } from "../dom.js";
import { follow, hasEnded } from "../follow.js";
import { Pictures } from "../pictures.js";
import { problemCard } from "../problem_card.js";
import { verdictOf } from "../words.js";
import { confirmDelete, draftOf } from "./actions.js";
import { progressView } from "./progress.js";
import { resultView } from "./result.js";

/** @param {{id: string, go: (hash: string, draft?: object) => void}} context */
export function jobView({ id, go }) {
  const ended = new AbortController();
  const pictures = new Pictures();
  const place = h("div", { class: "place" });
  const root = h("div", { class: "job" }, h("h1", { class: "unseen" }, "Job"), h("p", { class: "loading quiet" }, "Loading…"));
  const events = [];
  let view = null;
  let progress = null;

  const cancel = async () => {
    try {
      await call("POST", `${jobPath(id)}/cancel`, { signal: ended.signal });
      announce("Canceling");
      place.replaceChildren();
    } catch (error) {
      if (!ended.signal.aborted) place.replaceChildren(problemCard(error));
      throw error;
    }
  };
  const attempt = (work) => work().catch((error) => { if (!ended.signal.aborted) place.replaceChildren(problemCard(error)); });
  const does = {
    again: (changes) => attempt(async () => go("#/", await draftOf(view, pictures, changes))),
    remove: () => attempt(async () => {
      if (!(await confirmDelete())) return;
      await call("DELETE", jobPath(id));
      announce("Deleted");
      go("#/jobs");
    }),
  };

  const show = () => {
    if (hasEnded(view)) {
      const { title, text } = verdictOf(view);
      const follows = progress !== null;
      root.replaceChildren(resultView(view, pictures, does), place);
      entitle(title);
      announce(`${title}. ${text}`);
      if (follows) focusHeading(root);
      return;
    }
    if (!progress) {
      progress = progressView(pictures, cancel);
      root.replaceChildren(progress.root, place);
    }
    progress.show(view, events);
    entitle(progress.root.querySelector("h1").textContent);
  };
  const told = {
    onView: (next) => { view = next; show(); },
    onEvent: (event) => { events.push(event); if (view && !hasEnded(view)) show(); },
    onAway: (seconds) => connection.away(seconds),
    onBack: () => connection.back(),
  };
  follow(id, told, ended.signal).catch((error) => {
    if (ended.signal.aborted) return;
    root.replaceChildren(h("h1", {}, "This job cannot be shown"), problemCard(error, { retry: error.status === 404 ? null : () => go(location.hash) }), h("p", {}, h("a", { href: "#/jobs" }, "All my jobs")));
  });
  return { root, title: "Job", dispose: () => { ended.abort(); pictures.dispose(); connection.back(); } };
}
