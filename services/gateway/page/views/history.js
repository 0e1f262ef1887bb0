// One's jobs, newest first, loaded as one goes down.

import { call } from "../api.js";
import { button, h } from "../dom.js";
import { Pictures, thumbnail } from "../pictures.js";
import { problemCard } from "../problem_card.js";
import { OUTCOMES, STATUS, ago, outOfDomain, plural } from "../words.js";

const PAGE = 24;
const THUMBNAIL_PX = 480;

export function historyView() {
  const view = new History();
  return { root: view.root, title: "My jobs", dispose: () => view.dispose() };
}

class History {
  #cursor = null;
  #ended = new AbortController();
  #loading = false;
  #generation = 0;

  constructor() {
    this.pictures = new Pictures();
    this.list = h("ul", { class: "jobs" });
    this.place = h("div", { class: "place" });
    this.more = button("Show more", () => this.#load(), { hidden: true });
    const filter = h("select", { id: "status-filter" }, h("option", { value: "" }, "All"), Object.entries(STATUS).map(([value, label]) => h("option", { value }, label)));
    filter.addEventListener("change", () => this.#restart(filter.value));
    this.status = "";
    this.root = h("div", { class: "history" },
      h("div", { class: "head row" }, h("h1", {}, "My jobs"), h("label", { class: "inline", for: "status-filter" }, "Show ", filter)),
      this.list, this.place, h("div", { class: "row centre" }, this.more));
    this.seen = new IntersectionObserver((entries) => entries.forEach((entry) => {
      if (!entry.isIntersecting) return;
      this.seen.unobserve(entry.target);
      this.#draw(entry.target);
    }), { rootMargin: "200px" });
    this.end = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) this.#load(); }, { rootMargin: "400px" });
    this.end.observe(this.more);
    this.#load();
  }

  dispose() {
    this.#ended.abort();
    this.seen.disconnect();
    this.end.disconnect();
    this.pictures.dispose();
  }

  #restart(status) {
    this.status = status;
    this.#cursor = null;
    this.#loading = false;
    this.#generation += 1;
    this.list.replaceChildren();
    this.#load();
  }

  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    const generation = this.#generation;
    const query = new URLSearchParams({ limit: String(PAGE), ...(this.status && { status: this.status }), ...(this.#cursor && { cursor: this.#cursor }) });
    try {
      const page = await call("GET", `/v1/jobs?${query}`, { signal: this.#ended.signal });
      if (generation !== this.#generation) return;
      this.#cursor = page.next_cursor;
      this.list.append(...page.jobs.map((job) => this.#row(job)));
      this.more.hidden = !this.#cursor;
      // Looked at anew: where a page of jobs does not fill the screen, nothing has moved that would be noticed.
      this.end.unobserve(this.more);
      this.end.observe(this.more);
      this.place.replaceChildren(...(this.list.children.length ? [] : [this.#empty()]));
    } catch (error) {
      if (this.#ended.signal.aborted || generation !== this.#generation) return;
      this.place.replaceChildren(problemCard(error, { retry: () => { this.place.replaceChildren(); this.#load(); } }));
    } finally {
      if (generation === this.#generation) this.#loading = false;
    }
  }

  #empty() {
    return h("div", { class: "empty" }, h("p", {}, this.status ? "No job is in this state." : "No jobs yet."), h("p", {}, h("a", { class: "button primary", href: "#/" }, "Retouch a picture")));
  }

  #row(job) {
    const frame = h("span", { class: "thumb", "aria-hidden": "true" });
    frame.path = job.artifacts["result.png"] ?? job.artifacts["original.png"] ?? null;
    if (frame.path) this.seen.observe(frame);
    const state = stateOf(job);
    return h("li", {}, h("a", { href: `#/jobs/${job.id}`, class: "job-link" }, frame,
      h("span", { class: "job-words" }, h("span", { class: `state ${state.tone}` }, state.words),
        h("span", { class: "job-prompt" }, job.input.prompt),
        h("time", { class: "quiet", datetime: new Date(job.created_at_s * 1000).toISOString() }, ago(job.created_at_s)))));
  }

  async #draw(frame) {
    try {
      frame.replaceChildren(await thumbnail(await this.pictures.blob(frame.path), THUMBNAIL_PX));
    } catch {
      // A job may have been deleted meanwhile: its row then stays without a picture.
      frame.classList.add("gone");
    }
  }
}

function stateOf(job) {
  if (job.status !== "succeeded") {
    return { words: STATUS[job.status] ?? job.status, tone: { failed: "bad", running: "now", queued: "now" }[job.status] ?? "calm" };
  }
  if (outOfDomain(job)) return { words: "Not my kind of picture", tone: "warn" };
  const words = OUTCOMES[job.outcome] ?? "Done";
  const count = job.regions.length ? `, ${plural(job.regions.length, "flaw")}` : "";
  return { words: words + count, tone: { repaired: "good", improved: "good", nothing_to_fix: "good", no_gain: "warn" }[job.outcome] ?? "calm" };
}
