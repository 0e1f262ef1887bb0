// The user's opinion of a flaw: was it one? Kept at once, taken back by pressing again.

import { announce } from "../announce.js";
import { button, freshId, h } from "../dom.js";

/** @param {Feedback} feedback of the job. */
export function opinion(flaw, feedback) {
  const error = h("p", { class: "error", hidden: true });
  const note = h("textarea", { rows: "2", maxlength: "2000", id: freshId("note") });
  const keep = button("Keep the note", () => say(feedback.of(flaw.id)?.verdict, note.value.trim()), { kind: "small" });
  const noteField = h("details", { hidden: true }, h("summary", {}, "Add a note"), h("div", { class: "field" }, h("label", { for: note.id, class: "unseen" }, `Note on flaw ${flaw.number}`), note, keep));
  const buttons = [["accept", "Yes, a flaw", "check"], ["reject", "No, it was fine", "cross"]].map(([verdict, label, drawing]) =>
    button(label, () => press(verdict), { kind: `small opinion ${verdict}`, drawing, "data-verdict": verdict }));

  async function say(verdict, comment = "") {
    await attempt(() => feedback.judge(flaw.id, verdict, comment), comment ? "Note kept" : verdict === "accept" ? "Kept: it is a flaw" : "Kept: it was fine");
  }
  async function press(verdict) {
    const now = feedback.of(flaw.id);
    if (now?.verdict !== verdict) return say(verdict, now?.comment ?? "");
    return attempt(() => feedback.takeBack(flaw.id), "Taken back");
  }
  async function attempt(work, spoken) {
    for (const each of buttons) each.disabled = true;
    try {
      await work();
      error.hidden = true;
      announce(spoken);
    } catch (problem) {
      error.textContent = `This was not kept: ${problem.message}`;
      error.hidden = false;
    }
    for (const each of buttons) each.disabled = false;
    show();
  }
  function show() {
    const now = feedback.of(flaw.id);
    for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.verdict === now?.verdict));
    noteField.hidden = !now;
    if (now && document.activeElement !== note) note.value = now.comment ?? "";
  }
  show();
  return h("fieldset", { class: "opinions" }, h("legend", {}, "Was something wrong here?"), h("div", { class: "row" }, buttons), noteField, error);
}
