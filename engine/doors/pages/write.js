// The writing page of kiosk and phone. Letters leave only when a person sends them; before, only rhythm does.

import { Board } from "./board.js";
import { Rhythm, Surprise } from "./keys.js";
import { Link } from "./link.js";
import { Said } from "./said.js";
import { SAID } from "./words.js";

const at = (id) => document.getElementById(id);
const body = document.body, field = at("words"), rhythm = new Rhythm(at("rhythm")), surprise = new Surprise();
const RETRY = 1000; // milliseconds before a text that was not acknowledged is said again
const LATE = 2500; // milliseconds without one after which the visitor is told
const SILENT = 4000; // milliseconds without an acknowledgement after which the socket is taken for dead
const SHOWN = 3; // sentences of a visit on the page

let visit = "", kiosk = false, idle = 60, limit = 280, language = "", lastKey = performance.now(), said = [];
let outbox = []; // sentences without an acknowledgement: a page that is wiped forgets to show them, never to send them
let guess = "", backSaid = ""; // the language somebody wrote in; what was answered to a code
const door = new URLSearchParams(location.search).get("p") ?? "";
const tongue = () => language || guess || (document.documentElement.lang === "fr" ? "fr" : "en");

// --- the link --------------------------------------------------------------------------------------------------------

const link = new Link("/visit", {
  hello: () => ({ t: "hello", visit, p: door }),
  hear: (news) => hears[news.t]?.(news),
  changed: (open) => { at("link").textContent = open ? "" : SAID[tongue()].lost; if (open) retry(); },
});

const find = (key) => said.find((one) => one.key === key) ?? outbox.find((one) => one.key === key);
const length = (text) => [...text.normalize("NFC")].length; // as the other side counts

const hears = {
  welcome(news) {
    ({ visit, kiosk, idle, limit } = news);
    at("link").textContent = "";
    at("phones").hidden = !(kiosk && news.phones);
    if (!at("phones").hidden) refreshCode();
    at("board-toggle").hidden = innerWidth < 700;
    if (!kiosk && !language) speak(navigator.language.startsWith("fr") ? "fr" : "en"); // a phone knows its person
    for (const one of outbox) one.visit ||= visit;
    retry();
  },
  stranger({ spent }) { at("link").textContent = SAID[tongue()][spent ? "spent" : "stranger"]; },
  crowded({ seconds }) {
    at("link").textContent = SAID[tongue()].crowded;
    setTimeout(() => link.send({ t: "hello", visit, p: door }), 1000 * seconds + 1000 * Math.random());
  },
  code() { if (!at("phones").hidden) refreshCode(); },
  heard({ key, language: code }) { guess = code; find(key)?.speak(language || code); },
  stored({ key, code }) { find(key)?.stored(code); done(key); },
  waiting({ key }) { const one = find(key); if (one) { one.waiting(); done(key); } },
  wait({ key, seconds }) { const one = find(key); if (one) { one.after = performance.now() + 1000 * seconds; one.aside("slow"); } },
  unkept({ key }) { const one = find(key); if (one) { one.after = performance.now() + 5000; one.aside("full"); } },
  empty({ key, private: taken }) { find(key)?.refused(taken?.length ? "nothing" : "empty"); done(key); },
  long({ key }) { find(key)?.refused("long"); done(key); },
  private({ key, words, kinds }) { find(key)?.taken(words, kinds); },
  care({ key, number }) { find(key)?.aside("care", number); rise(); },
  unread({ key }) { find(key)?.aside("unread"); },
  returned(news) { find(news.key)?.returned(news); rise(); },
  withdrawn({ code, found }) {
    said.find((one) => one.code === code || one.key === code)?.gone();
    backSaid = found ? "gone" : "unknown";
    at("back-said").textContent = SAID[tongue()][backSaid];
  },
  state({ caption }) { remember(caption ?? ""); },
};

// --- sending, exactly once -------------------------------------------------------------------------------------------

// Sixteen random bytes; randomUUID exists only in secure contexts, which a LAN address is not.
const freshKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function send() {
  const words = field.value.trim();
  if (!words || length(words) > limit) return fit();
  const one = new Said(words, freshKey(), tongue(), (code) => link.send({ t: "withdraw", code }));
  Object.assign(one, { visit, chosen: language });
  said.push(one);
  outbox.push(one);
  at("past").append(one.element);
  body.dataset.past = "";
  for (const old of said.splice(0, said.length - SHOWN)) old.element.remove();
  clearLine();
  state("written");
  deliver(one);
  rise();
}

// Sentences rise above the line; the newest is always in sight.
function rise() { at("past").scrollTop = at("past").scrollHeight; }
new ResizeObserver(rise).observe(at("past"));

// The same key until the acknowledgement is here: the other side keeps one copy, however often it hears it.
function deliver(one) {
  if ((one.after ?? 0) > performance.now()) return;
  if (link.send({ t: "text", key: one.key, words: one.words, language: one.chosen, visit: one.visit })) one.asked ??= performance.now();
}

function retry() {
  outbox.forEach(deliver);
  const now = performance.now();
  for (const one of outbox) if (link.open && now - one.sent > LATE && !(one.after > now)) one.aside("late");
  const stuck = outbox.some((one) => one.asked && now - one.asked > SILENT && (one.after ?? 0) < now && now - link.heard > SILENT);
  if (link.open && stuck) {
    outbox.forEach((one) => { delete one.asked; });
    link.renew();
  }
}
setInterval(retry, RETRY);

function done(key) { outbox = outbox.filter((one) => one.key !== key); }

// --- writing ---------------------------------------------------------------------------------------------------------

function clearLine() {
  field.value = "";
  surprise.forget();
  fit();
}

function fit() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
  const left = limit - length(field.value);
  at("send").disabled = !field.value.trim() || left < 0;
  at("room").textContent = left < 0 ? SAID[tongue()].over(-left) : left <= 40 ? `${left} ${SAID[tongue()].left}` : "";
}

function state(name) { body.dataset.state = name; }

function stroke(bits, deleted) {
  rhythm.mark(bits, deleted);
  link.send({ t: "key", bits, deleted });
}

field.addEventListener("input", (event) => {
  lastKey = performance.now();
  const deleted = event.inputType.startsWith("delete");
  const letters = [...(event.data ?? "")];
  stroke(deleted ? 1 : letters.length ? Math.max(...letters.map((letter) => surprise.bits(letter))) : 8, deleted);
  if (field.value) state("writing");
  else state(said.length ? "written" : "waiting");
  if (!event.isComposing && field.value.includes("\n")) field.value = field.value.replace(/\n/g, " ");
  fit();
});

field.addEventListener("keydown", (event) => {
  // An Enter that chooses a word is no Enter: Chrome and Firefox say isComposing; Safari ends the composition first and
  // then sends the key, as 229.
  if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  send();
});

at("form").addEventListener("submit", (event) => { event.preventDefault(); send(); field.focus(); });

// Whatever is typed goes into the line, wherever the focus was.
addEventListener("keydown", (event) => {
  lastKey = performance.now();
  if (body.dataset.state === "alone") state("waiting");
  const typing = event.target.closest?.("input, textarea, button");
  if (!typing && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) field.focus();
});
addEventListener("pointerdown", () => {
  lastKey = performance.now();
  if (body.dataset.state === "alone") state("waiting");
});

// --- keys in the page ------------------------------------------------------------------------------------------------

const board = new Board(at("board"), {
  type: (text) => insert("insertText", text),
  erase: () => insert("deleteContentBackward", null),
  send,
});

// What the keys in the page do to the line, as if it had been typed there.
function insert(inputType, data) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const from = inputType === "insertText" || start !== end ? start : start - ([...value.slice(0, start)].at(-1)?.length ?? 0);
  if (from === end && !data) return;
  field.setRangeText(data ?? "", from, end, "end");
  field.dispatchEvent(new InputEvent("input", { inputType, data }));
}

function showBoard(shown) {
  at("board").hidden = !shown;
  at("board-toggle").setAttribute("aria-expanded", String(shown));
  if (shown) body.dataset.board = "";
  else delete body.dataset.board;
  if (shown) board.speak(tongue());
}
at("board-toggle").addEventListener("click", () => showBoard(at("board").hidden));

// --- language, withdrawal, phones ------------------------------------------------------------------------------------

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen || "en";
  if (chosen) body.dataset.language = chosen;
  else delete body.dataset.language;
  for (const button of document.querySelectorAll("[data-language][aria-pressed]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
  if (!at("board").hidden) board.speak(tongue());
  if (backSaid) at("back-said").textContent = SAID[tongue()][backSaid];
  said.forEach((one) => one.speak(tongue()));
  fit();
}
for (const button of document.querySelectorAll("button[data-language]"))
  button.addEventListener("click", () => { speak(button.dataset.language === language ? "" : button.dataset.language); field.focus(); });

at("back-toggle").addEventListener("click", () => {
  at("back").hidden = !at("back").hidden;
  at("back-toggle").setAttribute("aria-expanded", String(!at("back").hidden));
  if (!at("back").hidden) at("code").focus();
});
at("back").addEventListener("submit", (event) => {
  event.preventDefault();
  const code = at("code").value.trim();
  if (code) link.send({ t: "withdraw", code });
  at("code").value = "";
});

function refreshCode() { at("qr").src = `/qr.svg?${Date.now()}`; }
setInterval(() => { if (!at("phones").hidden) refreshCode(); }, 120_000);

// --- nobody is here --------------------------------------------------------------------------------------------------

function wipe() {
  at("link").textContent = "";
  clearLine();
  said = [];
  at("past").replaceChildren();
  delete body.dataset.past;
  at("back").hidden = true;
  at("back-said").textContent = backSaid = guess = "";
  rhythm.forget();
  speak("");
  showBoard(false);
  visit = "";
  link.send({ t: "hello", visit, p: door });
  state("alone");
}
// Twenty seconds before, the page says so; any key or touch keeps what is there (WCAG 2.2.1).
setInterval(() => {
  if (!kiosk || body.dataset.state === "alone") return;
  const left = idle - (performance.now() - lastKey) / 1000;
  if (left <= 0) return wipe();
  const warn = left < 20 && (field.value || said.length);
  if (link.open) at("link").textContent = warn ? SAID[tongue()].there : "";
}, 1000);

// While nobody writes, the page says what the machine remembers; never a list, only what it dreams now.
function remember(caption) {
  const box = at("memory");
  if (box.lastElementChild?.textContent === caption) return;
  for (const old of box.children) { old.classList.remove("heard"); setTimeout(() => old.remove(), 2500); }
  if (!caption) return;
  const line = document.createElement("p");
  line.textContent = caption;
  line.dir = "auto";
  box.append(line);
  requestAnimationFrame(() => requestAnimationFrame(() => line.classList.add("heard")));
}

field.focus();
fit();
