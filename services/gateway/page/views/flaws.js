// The list of flaws: what is wrong with each, what was tried, the evidence before and after, and the user's opinion.

import { h } from "../dom.js";
import { FATES, capital, categoryWords, fateOf, plural, regionTitle, sentence } from "../words.js";
import { cropPair } from "./crops.js";
import { opinion } from "./opinion.js";

/** The flaws of a job, numbered as they are shown. */
export function flawsOf(view) {
  const said = new Map(view.diagnoses.map((diagnosis) => [diagnosis.region_id, diagnosis]));
  return view.regions.map((region, index) => {
    const diagnosis = said.get(region.id) ?? null;
    return { id: region.id, number: index + 1, title: regionTitle(region, diagnosis), region, diagnosis };
  });
}

/** One card. `onLight(id | null)` while it is pointed at. */
export function flawCard(view, flaw, pictures, feedback, onLight) {
  const fate = fateOf(view, flaw.id);
  const card = h("article", { class: `flaw ${fate}`, id: `flaw-${flaw.id}`, tabindex: "-1", "aria-labelledby": `flaw-${flaw.id}-title` },
    h("header", {}, h("span", { class: `number ${fate}`, "aria-hidden": "true" }, String(flaw.number)),
      h("h3", { id: `flaw-${flaw.id}-title` }, h("span", { class: "unseen" }, `Flaw ${flaw.number}: `), flaw.title),
      h("span", { class: `fate ${fate}` }, capital(FATES[fate]))),
    cropPair(view, flaw, pictures),
    whatIsWrong(flaw), evidence(view, flaw), whatWasDone(view, flaw),
    opinion(flaw, feedback));
  card.addEventListener("pointerenter", () => onLight(flaw.id));
  card.addEventListener("pointerleave", () => onLight(null));
  card.addEventListener("focusin", () => onLight(flaw.id));
  return card;
}

function whatIsWrong({ diagnosis, region }) {
  if (!diagnosis) return h("p", { class: "quiet" }, `Seen by the detector “${region.detector}”; nothing more is known of it.`);
  const facts = [
    capital(categoryWords(diagnosis.category)),
    `${Math.round(100 * diagnosis.confidence)}% sure`,
    `said by ${diagnosis.source.replace(/^detector:/, "the detector ")}`,
  ];
  return h("div", { class: "wrong" },
    h("p", {}, sentence(diagnosis.description)),
    diagnosis.inconsistency && h("p", { class: "quiet" }, sentence(diagnosis.inconsistency)),
    diagnosis.instruction && h("p", {}, h("span", { class: "quiet" }, "To do: "), sentence(diagnosis.instruction)),
    h("p", { class: "facts quiet" }, facts.join(" · ")));
}

function evidence(view, { id, region }) {
  const valueIn = (list) => list.find((item) => item.region_id === id && item.detector === region.detector)?.value ?? null;
  const before = valueIn(view.evidence_before) ?? region.evidence;
  const after = view.accepted_patch_ids.length ? valueIn(view.evidence_after) : null;
  return h("dl", { class: "meters" }, meter("Evidence before", before), after !== null && meter("Evidence after", after));
}

function meter(label, value) {
  const fill = h("span", {});
  fill.style.width = `${(100 * value).toFixed(1)}%`;
  return h("div", {}, h("dt", {}, label), h("dd", {}, h("span", { class: "track", "aria-hidden": "true" }, fill), h("b", {}, value.toFixed(2))));
}

function whatWasDone(view, { id }) {
  const kept = new Set(view.accepted_patch_ids);
  const tries = view.patches.filter((patch) => patch.region_ids.includes(id));
  const verdicts = (patch) => view.verdicts.find((verdict) => verdict.patch_id === patch.id && verdict.region_id === id);
  const repaired = tries.filter((patch) => kept.has(patch.id));
  const refused = tries.filter((patch) => !kept.has(patch.id));
  const declined = view.declined.filter((item) => item.region_id === id);
  return h("div", { class: "done" },
    repaired.map((patch) => h("div", { class: "try kept" },
      h("p", {}, "Repaired with ", h("b", {}, patch.tool), ". ", sentence(patch.reason)), verdictLine(verdicts(patch)))),
    !repaired.length && declined.map((item) => h("p", { class: "try" }, "Left alone: ", sentence(item.reason))),
    refused.length > 0 && h("details", { open: !repaired.length }, h("summary", {}, `${plural(refused.length, "try", "tries")} not kept`),
      refused.map((patch) => h("div", { class: "try" }, h("p", {}, "With ", h("b", {}, patch.tool), ". ", sentence(patch.reason)), verdictLine(verdicts(patch))))));
}

function verdictLine(verdict) {
  if (!verdict) return h("p", { class: "quiet" }, "The job ended before this was looked at again.");
  const numbers = `${verdict.evidence_before.toFixed(2)} → ${verdict.evidence_after.toFixed(2)}`;
  return h("p", { class: "quiet" }, verdict.accepted ? "Kept: " : "Put back: ", sentence(verdict.reason), ` Evidence ${numbers}.`);
}
