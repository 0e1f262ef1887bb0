// A finished job: the verdict, the picture, the flaws, the proof, and what to do with it.

import { button, h, icon } from "../dom.js";
import { Feedback } from "../feedback.js";
import { STOPS, capital, duration, outOfDomain, plural, sentence, verdictOf } from "../words.js";
import { downloads } from "./actions.js";
import { ResultCanvas } from "./canvas.js";
import { flawCard, flawsOf } from "./flaws.js";
import { missedPanel } from "./missed.js";

const DRAWINGS = { good: "check", calm: "eye", warn: "alert", bad: "alert" };

/** @param {{again: (changes?: object) => void, remove: () => void}} does what the buttons do. */
export function resultView(view, pictures, does) {
  const verdict = verdictOf(view);
  const flaws = flawsOf(view);
  const feedback = new Feedback(view);
  const hasPicture = Boolean(view.artifacts["original.png"]);
  const pick = (id) => {
    const card = document.getElementById(`flaw-${id}`);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  };
  const canvas = hasPicture ? new ResultCanvas(view, pictures, flaws, pick) : null;
  const missed = canvas && view.status === "succeeded" ? missedPanel(feedback, canvas) : null;
  if (missed) { feedback.onchange = missed.show; missed.show(); }
  return h("div", { class: "result-view" }, head(view, verdict),
    view.status === "failed" && failure(view, does),
    canvas && h("div", { class: "workbench" },
      h("div", { class: "sticky" }, canvas.root, proof(view), downloads(view, pictures)),
      h("section", { class: "flaws", "aria-labelledby": "flaws-title" },
        h("h2", { id: "flaws-title" }, flaws.length ? plural(flaws.length, "flaw") : "No flaws"),
        flaws.map((flaw) => flawCard(view, flaw, pictures, feedback, (id) => canvas.light(id))),
        !flaws.length && view.status === "succeeded" && h("p", { class: "quiet" }, "Every detector looked, and none found anything that is worth a repair. If you see one, mark it: it helps the next training."),
        missed?.root)),
    notes(view), facts(view), foot(view, does));
}

function head(view, { tone, title, text }) {
  return h("div", { class: `head verdict ${tone}` }, h("span", { class: "badge", "aria-hidden": "true" }, icon(DRAWINGS[tone])),
    h("div", {}, h("h1", {}, title), text && view.status !== "failed" && h("p", { class: "lead" }, text),
      h("p", { class: "asked" }, "Prompt: ", h("span", {}, view.input.prompt))));
}

function failure(view, does) {
  const error = view.error ?? { code: "", message: "", retryable: false };
  return h("section", { class: "problem", "data-code": error.code, "aria-label": "What went wrong" }, icon("alert"),
    h("div", {}, h("h2", {}, sentence(error.message) || "The server gave no reason."),
      h("p", {}, error.retryable ? "This may pass: the same job can succeed at another time." : "The same job would fail again; something has to change first."),
      h("p", { class: "quiet" }, "Code ", h("code", {}, error.code)),
      h("p", { class: "row" }, button("Try again", () => does.again(), { drawing: "again" }))));
}

/** The proof that the rest was not touched. */
function proof(view) {
  const difference = view.largest_outside_difference;
  if (difference === null || difference === undefined) return null;
  const good = difference === 0;
  const words = good && !view.accepted_patch_ids.length
    ? [h("b", {}, "Largest difference outside the edits: 0."), " Nothing was edited, so every pixel is the original’s own."]
    : good ? [h("b", {}, "Largest difference outside the edits: 0."), " Every pixel there is the original’s own."]
    : [h("b", {}, `Largest difference outside the edits: ${difference} of 255.`), " It should be 0: please report it."];
  return h("p", { class: `proof ${good ? "good" : "bad"}` }, icon(good ? "check" : "alert"), h("span", {}, words));
}

function notes(view) {
  const again = outOfDomain(view);
  const known = new Set(view.declined.map((item) => item.reason));
  const warnings = view.warnings.filter((warning) => !known.has(warning));
  if (!warnings.length) return null;
  return h("section", { class: "notes", "aria-labelledby": "notes-title" }, h("h2", { id: "notes-title" }, again ? "Why it was left alone" : "Notes"),
    h("ul", {}, warnings.map((warning) => h("li", {}, sentence(warning)))));
}

function facts(view) {
  const { before, after } = view.scores;
  const score = before === null ? null : after === null || !view.accepted_patch_ids.length ? before.toFixed(2) : `${before.toFixed(2)} → ${after.toFixed(2)}`;
  const total = view.seconds?.total ?? (view.finished_at_s ? view.finished_at_s - (view.started_at_s ?? view.finished_at_s) : null);
  const stages = Object.entries(view.seconds?.stages ?? {});
  const third = view.third_parties ?? [];
  const rows = [
    ["Evidence in all", score], ["Rounds", view.iterations.length || null],
    ["It stopped because", view.stop_reason && STOPS[view.stop_reason]],
    ["Time", total === null ? null : duration(total)], ["Waited", view.seconds?.queued > 0.95 ? duration(view.seconds.queued) : null],
    ...stages.map(([name, seconds]) => [capital(name), duration(seconds)]),
    ["Picture", `${view.input.size_hw[1]} × ${view.input.size_hw[0]} px, ${view.input.format}`], ["Profile", view.profile], ["Seed", view.options.seed],
    ["Seen by third parties", third.length ? third.join(", ") : "nobody: it stayed on this server"], ["Job", view.id],
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("details", { class: "facts-list" }, h("summary", {}, "How it ran"),
    h("dl", {}, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value))))));
}

function foot(view, does) {
  const usable = Boolean(view.artifacts["original.png"]);
  return h("div", { class: "row foot" },
    usable && outOfDomain(view) && button("Edit all the same", () => does.again({ force: true }), { drawing: "brush" }),
    usable && view.status !== "failed" && button("Run again, changed", () => does.again(), { drawing: "again" }),
    button("Delete", () => does.remove(), { drawing: "bin", kind: "plain danger" }));
}
