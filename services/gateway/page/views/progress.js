// A job at work: the picture under a quiet light, and the steps as they happen.

import { announce } from "../announce.js";
import { button, h, icon } from "../dom.js";
import { roundOf, stepsOf } from "../timeline.js";
import { capital, duration } from "../words.js";

/** @returns {{root, show: (view, events) => void}} */
export function progressView(pictures, onCancel) {
  const title = h("h1", {}, "Waiting");
  const lead = h("p", { class: "lead" });
  const list = h("ol", { class: "steps", "aria-label": "Steps" });
  const image = h("img", { alt: "The picture at work", hidden: true });
  const stage = h("div", { class: "stage working" }, image);
  const cancel = button("Cancel", () => { cancel.disabled = true; onCancel().catch(() => { cancel.disabled = false; }); }, { drawing: "cross" });
  const prompt = h("span", {});
  const root = h("div", { class: "working-view" }, h("div", { class: "head" }, title, lead),
    h("div", { class: "workbench" }, stage, h("div", {}, list, h("p", { class: "asked" }, "Prompt: ", prompt), h("div", { class: "row" }, cancel))));
  let shown = false;
  const show = (view, events) => {
    prompt.textContent = view.input.prompt;
    shown ||= showPicture(view, image, stage, pictures);
    const steps = stepsOf(events);
    const words = headline(view, events, steps);
    title.textContent = words.title;
    lead.textContent = words.lead;
    announce(words.spoken);
    list.replaceChildren(...rows(view, steps));
  };
  return { root, show };
}

function showPicture(view, image, stage, pictures) {
  const path = view.artifacts["original.png"];
  if (!path) return false;
  const [height, width] = view.input.size_hw;
  stage.style.setProperty("--aspect", String(width / height));
  stage.style.setProperty("--natural", `${width}px`);
  // Without the picture the steps still tell the whole story.
  pictures.source(path).then((source) => { image.src = source; image.hidden = false; }, () => {});
  return true;
}

function headline(view, events, steps) {
  if (view.status === "queued") {
    const { position, estimated_wait_s: waitS } = view.queue ?? {};
    const place = position ? (position === 1 ? "next in line" : `number ${position} in line`) : "in line";
    const wait = waitS ? `, about ${wholeSeconds(waitS)} to wait` : "";
    return { title: "Waiting", lead: `${capital(place)}${wait}.`, spoken: `Waiting, ${place}` };
  }
  const step = steps.at(-1);
  if (!step) return { title: "Starting", lead: "You may close this page: the work goes on, and its address stays.", spoken: "Starting" };
  const round = roundOf(events);
  const spoken = step.note ? `${step.label}: ${step.note}` : step.label;
  return { title: `${step.label}…`, lead: round > 1 ? `Round ${round} of repair.` : "You may close this page: the work goes on, and its address stays.", spoken };
}

/** An estimate is no measurement: no tenths. */
const wholeSeconds = (seconds) => (seconds < 60 ? `${Math.max(1, Math.round(seconds))} s` : duration(seconds));

function rows(view, steps) {
  const waited = (view.started_at_s ?? null) === null ? null : view.started_at_s - view.created_at_s;
  const queue = row("Waiting", waited === null ? "now" : "done", waited, "");
  const last = steps.at(-1);
  return [queue, ...steps.map((step) => {
    const running = step === last && step.endedAtS === null;
    return row(step.label, running ? "now" : "done", running ? null : step.endedAtS - step.startedAtS, step.note);
  })];
}

function row(label, state, seconds, note) {
  return h("li", { class: state, "aria-current": state === "now" ? "step" : null },
    h("span", { class: "dot", "aria-hidden": "true" }, state === "done" && icon("check")),
    h("span", {}, label, note && h("small", {}, capital(note))),
    h("span", { class: "time" }, seconds === null ? "" : duration(seconds)));
}
