// The options of a job, in a disclosure; what is left alone is the profile's choice and is not sent.

import { call } from "../api.js";
import { h } from "../dom.js";

const radio = (name, value, label, hint, checked) =>
  h("label", { class: "choice" }, h("input", { type: "radio", name, value, checked }), h("span", {}, h("b", {}, label), h("small", {}, hint)));

/** @returns {{root, values: () => object, set: (options: object) => void}} `values` in the API's names. */
export function optionsForm() {
  const text = h("textarea", { id: "expected", rows: "2", placeholder: "FRESH COFFEE" });
  const rounds = h("input", { type: "number", id: "rounds", min: "1", max: "10", step: "1", placeholder: "3" });
  const seconds = h("input", { type: "number", id: "seconds", min: "1", step: "1", placeholder: "no limit" });
  const seed = h("input", { type: "number", id: "seed", min: "0", step: "1", placeholder: "0" });
  const force = h("input", { type: "checkbox", id: "force" });
  const tools = h("fieldset", { class: "tool-list" }, h("legend", {}, "Tools that may be used"));
  const root = h("details", { class: "options" }, h("summary", {}, "Options"),
    h("div", { class: "option-grid" },
      h("fieldset", {}, h("legend", {}, "What to do"),
        radio("mode", "retouch", "Find and repair", "and keep a repair only if it is better", true),
        radio("mode", "analyze", "Only look", "say what is wrong, change nothing", false)),
      h("div", { class: "field" }, h("label", { for: "expected" }, "Words that must be in the picture"), text,
        h("small", { class: "quiet" }, "One on each line. Quoted words of the prompt count by themselves.")),
      tools,
      h("fieldset", {}, h("legend", {}, "Kind of repair"),
        radio("preference", "auto", "As it fits", "chosen for each flaw", true),
        radio("preference", "mask", "Repaint the place", "tools that fill a mask", false),
        radio("preference", "instruction", "Follow an instruction", "tools that edit by words", false)),
      h("div", { class: "pair" },
        h("div", { class: "field" }, h("label", { for: "rounds" }, "Rounds at the most"), rounds),
        h("div", { class: "field" }, h("label", { for: "seconds" }, "Seconds at the most"), seconds),
        h("div", { class: "field" }, h("label", { for: "seed" }, "Seed"), seed)),
      h("label", { class: "choice" }, force, h("span", {}, h("b", {}, "Edit in any case"), h("small", {}, "even where a detector does not know such pictures")))));
  const loading = loadTools(root, tools);
  return {
    root,
    values: () => valuesOf(root, { text, rounds, seconds, seed, force, tools }),
    set: (options) => set(root, { text, rounds, seconds, seed, force, loading }, options),
  };
}

function valuesOf(root, { text, rounds, seconds, seed, force, tools }) {
  const chosen = (name) => root.querySelector(`input[name=${name}]:checked`).value;
  const boxes = [...tools.querySelectorAll("input:not(:disabled)")];
  const picked = boxes.filter((box) => box.checked).map((box) => box.value);
  const words = text.value.split("\n").map((line) => line.trim()).filter(Boolean);
  return {
    mode: chosen("mode"),
    preference: chosen("preference"),
    force: force.checked,
    ...(words.length ? { expected_text: words } : {}),
    ...(boxes.length && picked.length < boxes.length ? { tools: picked } : {}),
    ...(rounds.value ? { max_iterations: Number(rounds.value) } : {}),
    ...(seconds.value ? { deadline_s: Number(seconds.value) } : {}),
    ...(seed.value ? { seed: Number(seed.value) } : {}),
  };
}

/** Asks for the tools when the disclosure is first opened; returns how to ask at once. */
function loadTools(root, tools) {
  let asked = null;
  const load = () => (asked ??= call("GET", "/v1/tools").then((answer) => {
    tools.replaceChildren(tools.firstChild, ...answer.tools.map(({ name, licence, available, reason }) =>
      h("label", { class: "choice" }, h("input", { type: "checkbox", value: name, checked: available, disabled: !available }),
        h("span", {}, h("b", {}, name), h("small", {}, available ? licence || "" : reason || "not available")))));
  }).catch((error) => {
    asked = null;
    tools.replaceChildren(tools.firstChild, h("p", { class: "quiet" }, `The tools could not be asked for: ${error.message}`));
  }));
  root.addEventListener("toggle", () => { if (root.open) load(); });
  return load;
}

function set(root, { text, rounds, seconds, seed, force, loading }, options) {
  for (const name of ["mode", "preference"]) {
    const box = root.querySelector(`input[name=${name}][value=${options[name]}]`);
    if (box) box.checked = true;
  }
  text.value = (options.expected_text ?? []).join("\n");
  rounds.value = options.max_iterations ?? "";
  seconds.value = options.deadline_s ?? "";
  seed.value = options.seed || "";
  force.checked = Boolean(options.force);
  const unusual = options.mode === "analyze" || options.force || options.tools || text.value || rounds.value || seconds.value || seed.value;
  if (!unusual) return;
  root.open = true;
  if (options.tools) loading().then(() => root.querySelectorAll(".tool-list input").forEach((box) => { box.checked = options.tools.includes(box.value); }));
}
