// Keys in the page: a system keyboard hides behind a full-screen browser, and has no place on a touch wall.

const ROWS = {
  fr: ["azertyuiop", "qsdfghjklm", "wxcvbn'éèà"],
  en: ["qwertyuiop", "asdfghjkl'", "zxcvbnm,.?"],
};
const MORE = {
  fr: ["1234567890", "êëîïôöûùüç", "âœæ?!,.;:-"],
  en: ["1234567890", "éèêàâçñöüß", "œæøå¿!;:()"],
};
const NAMES = {
  fr: { shift: "maj", more: "é 1 ?", less: "abc", space: "espace", erase: "effacer", send: "envoyer" },
  en: { shift: "shift", more: "é 1 ?", less: "abc", space: "space", erase: "delete", send: "send" },
};

export class Board {
  // `type(text)` inserts, `erase()` deletes backwards, `send()` sends.
  constructor(box, { type, erase, send }) {
    Object.assign(this, { box, type, erase, send, language: "en", upper: false, extra: false });
    box.addEventListener("pointerdown", (event) => this.press(event));
    box.addEventListener("click", (event) => { if (event.detail === 0) this.act(event.target.closest("button")); });
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) box.addEventListener(end, () => this.release());
  }

  speak(language) {
    this.language = language;
    this.draw();
  }

  draw() {
    const names = NAMES[this.language], rows = (this.extra ? MORE : ROWS)[this.language];
    this.box.replaceChildren(...rows.map((row) => this.row([...row].map((key) => this.key(key)))));
    this.box.append(this.row([
      this.key("", { act: "shift", name: names.shift, kind: "wide", pressed: this.upper }),
      this.key("", { act: "extra", name: this.extra ? names.less : names.more, kind: "wide", pressed: this.extra }),
      this.key(" ", { name: names.space, kind: "wide space" }),
      this.key("", { act: "erase", name: names.erase, kind: "wide" }),
      this.key("", { act: "send", name: names.send, kind: "wide" }),
    ]));
  }

  row(keys) {
    const row = document.createElement("div");
    row.className = "row";
    row.append(...keys);
    return row;
  }

  key(text, { act = "type", name = "", kind = "", pressed } = {}) {
    const key = document.createElement("button");
    key.type = "button";
    const shown = this.upper && text !== "ß" ? text.toLocaleUpperCase(this.language) : text;
    key.textContent = name || shown;
    key.className = kind;
    key.dataset.act = act;
    key.dataset.text = shown;
    if (pressed !== undefined) key.setAttribute("aria-pressed", String(pressed));
    return key;
  }

  // Letters come on the way down, as on real keys; the focus stays in the line.
  press(event) {
    const key = event.target.closest("button");
    if (!key) return;
    event.preventDefault();
    key.classList.add("down");
    this.act(key);
    if (key.dataset.act === "erase") this.again = setTimeout(() => this.repeat(), 450);
  }

  repeat() {
    this.erase();
    this.again = setTimeout(() => this.repeat(), 70);
  }

  release() {
    clearTimeout(this.again);
    for (const key of this.box.querySelectorAll(".down")) key.classList.remove("down");
  }

  act(key) {
    if (!key) return;
    const { act, text } = key.dataset;
    if (act === "type") {
      this.type(text);
      if (this.upper) { this.upper = false; this.draw(); }
    }
    if (act === "erase") this.erase();
    if (act === "send") this.send();
    if (act === "shift") { this.upper = !this.upper; this.draw(); }
    if (act === "extra") { this.extra = !this.extra; this.draw(); }
  }
}
