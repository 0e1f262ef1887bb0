// A job in plain words: the verdict, each flaw and its fate. Pure.

const CATEGORIES = { object_deformation: "deformed object", object_redundancy: "redundant object", text: "written words" };
const FAULTS = { misspelt: "misspelt", garbled: "garbled", mirrored: "mirrored", doubled: "written twice", missing: "missing", wrong: "the wrong words", illegible: "illegible" };

export const STATUS = { queued: "Waiting", running: "Working", succeeded: "Done", failed: "Failed", canceled: "Canceled" };
export const OUTCOMES = { repaired: "Repaired", improved: "Improved", nothing_to_fix: "Nothing to fix", no_gain: "No gain", analyzed: "Analyzed" };
export const FATES = { repaired: "repaired", kept: "not repaired", declined: "left alone", found: "found" };

export const STOPS = {
  nothing_salient: "nothing looked wrong any more",
  analyze_only: "only an analysis was asked for",
  nothing_repairable: "nothing that is left can be repaired",
  tries_spent: "each flaw has had its tries",
  max_iterations: "the rounds that were allowed are used up",
  deadline: "the time was up",
  canceled: "it was canceled",
  stage_failed: "a step failed",
};

export const categoryWords = (category) => (category ? CATEGORIES[category] ?? category.replaceAll("_", " ") : "not classified");

/** What became of a region: a key of `FATES`. */
export function fateOf(view, regionId) {
  const accepted = new Set(view.accepted_patch_ids);
  const patches = view.patches.filter((patch) => patch.region_ids.includes(regionId));
  if (patches.some((patch) => accepted.has(patch.id))) return "repaired";
  if (patches.length) return "kept";
  return view.declined.some((item) => item.region_id === regionId) ? "declined" : "found";
}

/** What the region is, in a few words. */
export function regionTitle(region, diagnosis) {
  const { reading, colour } = region;
  if (reading) {
    if (reading.fault === "missing") return `“${reading.expected}” is missing`;
    if (reading.expected === null) return `“${reading.text}” is ${FAULTS[reading.fault] ?? reading.fault}`;
    if (reading.expected === "") return `“${reading.text}” stands there ${reading.fault === "doubled" ? "twice" : "in error"}`;
    return `“${reading.text}” should be “${reading.expected}”`;
  }
  if (colour && diagnosis?.category === "attribute") return `${capital(colour.seen)} where “${colour.phrase}” is asked for`;
  if (diagnosis?.category) return capital(categoryWords(diagnosis.category));
  return region.detector === "user" ? "Marked by you" : "Something looks wrong";
}

/** A fragment with a capital and a full stop; what begins `r1:` keeps its case. */
export function sentence(fragment) {
  const text = (fragment ?? "").trim();
  if (!text) return "";
  const first = /^\S+:\s/.test(text) ? text[0] : text[0].toUpperCase();
  return first + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** Whether the picture is of a kind that the checkpoint does not know, and all that was found was only shown. */
export const outOfDomain = (view) =>
  view.in_domain === false && view.outcome === "nothing_to_fix" && view.regions.length > 0 && !view.options.force;

/** The verdict: a headline, what it means, and its tone (`good`, `calm`, `warn`, `bad`). */
export function verdictOf(view) {
  const total = view.regions.length;
  const repaired = view.regions.filter((region) => fateOf(view, region.id) === "repaired").length;
  if (view.status === "failed") return { tone: "bad", title: "This did not work", text: view.error ? sentence(view.error.message) : "" };
  if (view.status === "canceled") return { tone: "calm", title: "Canceled", text: "Nothing was changed. What was found until then is shown below." };
  if (outOfDomain(view)) {
    return { tone: "warn", title: "Not my kind of picture", text: `${total === 1 ? "One place" : `${total} places`} may be wrong, but the model that saw ${total === 1 ? "it" : "them"} has never learned from pictures like this one. So nothing was edited: look for yourself.` };
  }
  return succeeded(view, total, repaired);
}

function succeeded(view, total, repaired) {
  switch (view.outcome) {
    case "nothing_to_fix":
      return { tone: "good", title: "Nothing to fix", text: "The picture is fine as it is, and not a pixel was changed." };
    case "analyzed":
      return { tone: "calm", title: total ? `${plural(total, "flaw")} found` : "No flaw found", text: "You asked for a look only: the picture is as it was." };
    case "repaired":
      return { tone: "good", title: allRepaired(total, repaired), text: "Each repair was looked at again and is better than what was there." };
    case "improved":
      return { tone: "good", title: `${repaired} of ${total} flaws repaired`, text: "What could not be made better was left as it was." };
    case "no_gain":
      return { tone: "warn", title: total === 1 ? "One flaw found, not repaired" : `${total} flaws found, none repaired`, text: "No repair was better than the original, so the picture is as it was." };
    default:
      return { tone: "calm", title: "Done", text: "" };
  }
}

function allRepaired(total, repaired) {
  // Places that a checkpoint out of its domain points at are shown beside, and are no verdict.
  if (repaired < total) return `${plural(repaired, "flaw")} repaired`;
  return total === 1 ? "The one flaw is repaired" : `All ${total} flaws are repaired`;
}

/** Seconds as one would say them. */
export function duration(seconds) {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round(seconds % 60);
  return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
}

/** When, relative to now where that is shorter. */
export function ago(atS, nowS = Date.now() / 1000) {
  const passed = nowS - atS;
  if (passed < 60) return "just now";
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  if (passed < 86400) return `${Math.floor(passed / 3600)} h ago`;
  return new Date(atS * 1000).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}
