// A job's events as steps that a reader understands. Pure: no network, no elements.

const FIRST = { perceive: "Looking for flaws", diagnose: "Saying what is wrong", retouch: "Repairing", finalize: "Putting the result together" };
const AGAIN = { ...FIRST, perceive: "Looking again", diagnose: "Judging the repairs" };

/**
 * The steps so far, oldest first: `{label, stage, startedAtS, endedAtS, note}`; `endedAtS` is null for the one that runs.
 */
export function stepsOf(events) {
  const steps = [];
  let round = 0;
  for (const { type, at_s: atS, data } of events) {
    const current = steps.at(-1);
    if (type === "stage.started") {
      if (current && current.endedAtS === null) current.endedAtS = atS;
      if (data.stage === "retouch") round += 1;
      steps.push({ stage: data.stage, label: label(data.stage, round), startedAtS: atS, endedAtS: null, note: "" });
    } else if (type === "job.perceived" && current) {
      current.note = round ? left(data.regions) : found(data.regions);
    } else if (type === "job.iteration" && current) {
      current.note = kept(data);
    } else if (current && /^job\.(succeeded|failed|canceled)$/.test(type)) {
      current.endedAtS ??= atS;
    }
  }
  return steps;
}

/** The round of repair that a running job is in, from 1; 0 before the first. */
export const roundOf = (events) => events.filter((event) => event.type === "stage.started" && event.data.stage === "retouch").length;

function label(stage, round) {
  if (stage === "retouch") return round > 1 ? `Repairing, round ${round}` : FIRST.retouch;
  return (round ? AGAIN : FIRST)[stage] ?? stage;
}

const found = (count) => (count === 0 ? "nothing looks wrong" : count === 1 ? "one place looks wrong" : `${count} places look wrong`);
const left = (count) => (count === 0 ? "nothing looks wrong any more" : count === 1 ? "one place still looks wrong" : `${count} places still look wrong`);

function kept({ accepted, refused }) {
  const parts = [];
  if (accepted) parts.push(`${accepted} ${accepted === 1 ? "repair" : "repairs"} kept`);
  if (refused) parts.push(`${refused} not better, put back`);
  return parts.join(", ") || "no repair made";
}
