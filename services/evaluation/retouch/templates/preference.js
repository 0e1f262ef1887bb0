"use strict";
(() => {
  const study = document.body.dataset.study;
  const place = `retoucher-preference-${study}`;
  const pairs = [...document.querySelectorAll(".pair")];
  const byId = (id) => document.getElementById(id);
  const say = (words) => { byId("message").textContent = words; };
  let answers = {};
  let at = 0;

  const kept = () => {
    try {
      return JSON.parse(localStorage.getItem(place) ?? "{}");
    } catch {
      say("This browser keeps nothing between visits: save your answers before you close the page.");
      return {};
    }
  };

  const keep = () => {
    try {
      localStorage.setItem(place, JSON.stringify({ answers, rater: byId("rater").value }));
    } catch {
      say("This browser keeps nothing between visits: save your answers before you close the page.");
    }
  };

  const take = (given) => {
    const known = new Set(pairs.map((pair) => pair.dataset.pair));
    for (const [id, grade] of Object.entries(given.answers ?? {})) {
      if (known.has(id) && Number.isInteger(grade) && grade >= 1 && grade <= 5) answers[id] = grade;
    }
    if (given.rater) byId("rater").value = given.rater;
  };

  const show = (index) => {
    at = Math.max(0, Math.min(pairs.length - 1, index));
    pairs.forEach((pair, number) => { pair.hidden = number !== at; });
    for (const [id, grade] of Object.entries(answers)) {
      document.querySelector(`input[name="${id}"][value="${grade}"]`).checked = true;
    }
    const done = Object.keys(answers).length;
    byId("bar").value = done;
    byId("back").disabled = at === 0;
    byId("next").disabled = at === pairs.length - 1;
    const all = done === pairs.length;
    byId("progress").textContent =
      all ? `All ${done} pairs answered: save your answers below.` : `${done} of ${pairs.length} pairs answered.`;
  };

  const firstOpen = () => Math.max(0, pairs.findIndex((pair) => !(pair.dataset.pair in answers)));

  const answer = (grade) => {
    answers[pairs[at].dataset.pair] = grade;
    keep();
    show(at);
  };

  document.addEventListener("change", (event) => {
    if (event.target.matches(".pair input")) answer(Number(event.target.value));
    if (event.target.id === "rater") keep();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.id === "rater") return;
    if (/^[1-5]$/.test(event.key)) {
      answer(Number(event.key));
      show(at + 1);
    } else if (event.key.toLowerCase() === "p") show(at - 1);
    else if (event.key.toLowerCase() === "n") show(at + 1);
  });

  byId("back").addEventListener("click", () => show(at - 1));
  byId("next").addEventListener("click", () => show(at + 1));

  byId("save").addEventListener("click", () => {
    const rater = byId("rater").value.trim();
    if (!rater) {
      say("Give your name or initials first.");
      byId("rater").focus();
      return;
    }
    say("");
    const text = JSON.stringify({ study, rater, answers }, null, 2);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `answers-${rater.replace(/[^A-Za-z0-9_-]+/g, "-")}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  });

  byId("load").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    try {
      const given = JSON.parse(await file.text());
      if (given.study !== study) throw new Error("another study");
      take(given);
      keep();
      say("");
      show(firstOpen());
    } catch {
      say("That file holds no answers to this page: choose another one.");
    }
  });

  take(kept());
  show(firstOpen());
})();
