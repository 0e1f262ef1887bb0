// What the user thinks of a job's flaws, kept by the server.

import { call, jobPath } from "./api.js";

/** The feedback of one job; `onchange` is called after every change. */
export class Feedback {
  constructor(view) {
    this.path = `${jobPath(view.id)}/feedback`;
    this.entries = [...(view.feedback ?? [])];
    this.onchange = () => {};
  }

  /** The opinion on a region, or null. */
  of(regionId) {
    return this.entries.find((entry) => entry.region_id === regionId) ?? null;
  }

  get missed() {
    return this.entries.filter((entry) => entry.verdict === "missed");
  }

  /** @param {"accept" | "reject"} verdict */
  async judge(regionId, verdict, comment = "") {
    const entry = await call("PUT", `${this.path}/${encodeURIComponent(regionId)}`, { body: { verdict, comment } });
    this.entries = [...this.entries.filter((other) => other.region_id !== regionId), entry];
    this.onchange();
  }

  async miss(box, category, comment) {
    const entry = await call("POST", this.path, { body: { verdict: "missed", box_xyxy_px: box, category, comment } });
    this.entries.push(entry);
    this.onchange();
  }

  /** Takes back what was said of a region, or a missed box; both are named by `name`. */
  async takeBack(name) {
    await call("DELETE", `${this.path}/${encodeURIComponent(name)}`);
    this.entries = this.entries.filter((entry) => entry.region_id !== name && entry.id !== name);
    this.onchange();
  }
}
