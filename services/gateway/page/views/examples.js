// Three worked examples for the empty page, from real results; each can be tried.

import { button, h } from "../dom.js";

const EXAMPLES = [
  {
    name: "coffee",
    title: "A misspelt word",
    text: "“COFEE” becomes “COFFEE”, in the same letters, on the same paper.",
    prompt: 'an espresso on a wooden table with a card that says "FRESH COFFEE" and below it "every morning"',
    pictures: [["coffee-before", "Before: FRESH COFEE"], ["coffee-after", "After: FRESH COFFEE"]],
  },
  {
    name: "rocket",
    title: "The wrong word",
    text: "The prompt says “LAUNCH SITE”. The sign now says so, too.",
    prompt: "a rocket on its launch pad at dusk, in front of it a road sign reading “LAUNCH SITE”",
    pictures: [["rocket-before", "Before: LUNCH SITE"], ["rocket-after", "After: LAUNCH SITE"]],
  },
  {
    name: "fine",
    title: "Nothing wrong",
    text: "What is right stays as it is, to the last pixel. That is a success.",
    prompt: 'an espresso on a wooden table with a card that says "FRESH COFFEE" and below it "every morning"',
    pictures: [["fine", "FRESH COFFEE, every morning"]],
  },
];

/** @param {(file: File, prompt: string) => void} onTry */
export function examples(onTry) {
  return h("section", { class: "examples", "aria-labelledby": "examples-title" },
    h("h2", { id: "examples-title" }, "What it does"),
    h("ul", {}, EXAMPLES.map((example) => h("li", { class: "example" },
      h("div", { class: example.pictures.length > 1 ? "stack" : "stack one" },
        example.pictures.map(([file, words]) => h("figure", {},
          h("img", { src: `/static/examples/${file}.webp`, alt: words, width: "480", height: "240", loading: "lazy" }),
          example.pictures.length > 1 && h("figcaption", {}, words.split(":")[0])))),
      h("h3", {}, example.title),
      h("p", {}, example.text),
      button("Try it", () => attempt(example, onTry), { kind: "small", "aria-label": `Try it: ${example.title}` })))));
}

async function attempt({ name, prompt }, onTry) {
  const response = await fetch(`/static/examples/${name}-picture.webp`);
  onTry(new File([await response.blob()], `${name}.webp`, { type: "image/webp" }), prompt);
}
