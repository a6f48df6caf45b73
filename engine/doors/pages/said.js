// One sentence of this visit: given, on its way, kept, come back changed, or taken back.

import { SAID, whose } from "./words.js";

const made = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

// The direction of a text is that of its first letter that has one; a hidden word before it must not decide.
const STRONG = /[\p{L}]/u, RIGHT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
export function direction(text) {
  const first = [...text].find((letter) => STRONG.test(letter));
  return first && RIGHT.test(first) ? "rtl" : "ltr";
}

export class Said {
  constructor(words, key, language, takeBack) {
    Object.assign(this, { words, key, language, takeBack, code: "", sent: performance.now(), asides: new Map() });
    this.element = made("article", "said");
    this.element.lang = language;
    this.given = made("p", "given", words);
    this.given.dir = "auto";
    this.fate = made("p", "fate");
    this.element.append(this.given, this.fate);
    this.become("sending", () => [made("span", "", this.say.sending)]);
  }

  // Everything that was said is said again in another language.
  speak(language) {
    if (language === this.language) return;
    this.language = this.element.lang = language;
    if (this.draw) this.fate.replaceChildren(...this.draw());
    for (const [what, more] of this.asides) this.asideOf(what).textContent = this.text(what, more);
  }

  get say() { return SAID[this.language]; }

  become(state, draw) {
    this.element.dataset.state = state;
    this.draw = draw;
    this.fate.replaceChildren(...draw());
  }

  text(what, more) { return typeof this.say[what] === "function" ? this.say[what](more) : this.say[what]; }

  asideOf(what) { return this.element.querySelector(`[data-aside="${what}"]`) ?? document.createElement("p"); }

  // Something to be told beside: once, and quietly.
  aside(what, more) {
    if (this.asides.has(what) || this.element.dataset.state === "gone") return;
    this.asides.set(what, more);
    const line = made("p", "aside", this.text(what, more));
    line.dataset.aside = what;
    this.element.insertBefore(line, this.fate);
  }

  hush(...whats) {
    for (const what of whats) if (this.asides.delete(what)) this.asideOf(what).remove();
  }

  // What was somebody's own is not kept: the sentence stands as it was kept.
  taken(words, kinds) {
    this.words = this.given.textContent = words;
    this.aside("private", kinds);
  }

  refused(why) {
    this.given.textContent = "";
    this.words = "";
    this.hush("slow", "full", "late");
    this.become("refused", () => [made("span", "", this.say[why])]);
  }

  pulse(text) {
    const span = made("span", "", text);
    span.prepend(made("i", "pulse"));
    return span;
  }

  // It waits to be read; until then its key takes it back.
  waiting() {
    if (this.element.dataset.state !== "sending") return;
    this.hush("slow", "full", "late");
    this.become("waiting", () => [this.pulse(this.say.waiting), this.backButton(this.key)]);
  }

  stored(code) {
    if (this.code || this.element.dataset.state === "gone") return;
    this.code = code;
    this.element.dataset.ackMs = (performance.now() - this.sent).toFixed(1);
    this.hush("slow", "full", "late");
    this.become("kept", () => [...this.tag(), this.pulse(this.say.coming)]);
  }

  tag() {
    return [made("span", "", this.say.kept), made("code", "", this.code), this.backButton(this.code)];
  }

  backButton(code) {
    const back = made("button", "", this.say.back);
    back.type = "button";
    back.addEventListener("click", () => this.takeBack(code));
    return back;
  }

  // The sentence with other people's words grown into it. Borrowed ones carry whom they came from.
  returned({ tokens, displacement, depth }) {
    if (this.element.dataset.state === "gone" || this.element.dataset.state === "returned") return;
    this.become("returned", () => (this.code ? this.tag() : []));
    const line = made("p", "back-again");
    line.dir = direction(this.words || tokens.map(({ text }) => text).join(" "));
    if (tokens.reduce((sum, { text }) => sum + text.length + 1, 0) > 90) line.dataset.long = "";
    line.append(made("span", "unseen", `${this.say.words}: `));
    tokens.forEach((token, index) => line.append(this.token(token, index), " "));
    this.element.insertBefore(line, this.fate);
    this.element.insertBefore(this.measures(displacement, depth), this.fate);
  }

  token(token, index) {
    const span = made("span", token.ancestor ? "token borrowed" : "token");
    span.append(made("bdi", "", token.text));
    if (token.ancestor) span.append(made("small", "", whose(token, this.language)));
    span.style.animationDelay = `${0.12 * index}s`;
    return span;
  }

  measures(displacement, depth) {
    const list = made("dl", "measures");
    const distance = made("div"), scale = made("span", "scale"), dot = made("i"), number = made("dd", "", displacement.toFixed(2));
    scale.setAttribute("aria-hidden", "true");
    scale.append(dot);
    distance.append(made("dt", "", this.say.distance), scale, number);
    const generations = made("div");
    generations.append(made("dt", "", this.say.depth), made("dd", "", this.say.generations(depth)));
    list.append(distance, generations);
    requestAnimationFrame(() => requestAnimationFrame(() => { dot.style.left = `${100 * Math.min(1, displacement)}%`; }));
    return list;
  }

  gone() {
    this.words = "";
    this.element.replaceChildren(this.fate);
    this.asides.clear();
    this.become("gone", () => [made("span", "", this.say.gone)]);
  }
}
