// The operator's desk: generated from the same nodes that OSC and OSCQuery show, so nothing has to be kept in step.

import { Link } from "./link.js";

const at = (id) => document.getElementById(id);
const made = (tag, props = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children);
  return element;
};

const SAID = {
  en: { "at-once": "At once", veto: "veto", freeze: "freeze", blackout: "blackout", "h-health": "House", "h-figures": "Figures", "h-queue": "Waiting to be read", "h-forces": "Forces",
    "h-state": "State", far: "the doors are closed; trying again", well: "All rooms are well.", lend: "lend its words", pass: "let it pass", erase: "erase it",
    displace: "displace it", dreamt: "dreamt, lent to nobody", waits: "waits", nothing: "Nothing waits.", same: "The words ask for no other structure.", change: "let it change", leave: "leave it", asked: "Asked for:" },
  fr: { "at-once": "Tout de suite", veto: "veto", freeze: "figer", blackout: "noir", "h-health": "Maison", "h-figures": "Mesures", "h-queue": "À lire", "h-forces": "Forces",
    "h-state": "État", far: "les portes sont fermées ; nouvel essai", well: "Toutes les pièces vont bien.", lend: "prêter ses mots", pass: "laisser passer", erase: "effacer",
    displace: "déplacer", dreamt: "rêvée, prêtée à personne", waits: "attend", nothing: "Rien n’attend.", same: "Les mots ne demandent pas d’autre structure.", change: "laisser changer", leave: "laisser ainsi", asked: "Demandé :" },
};
const FIXED = ["at-once", "veto", "freeze", "blackout", "h-health", "h-figures", "h-queue", "h-forces", "h-state"];

let nodes = [], values = {}, held = "", shownQueue = "", shownProposal = null, queue = [], health = null;
let language = navigator.language.startsWith("fr") ? "fr" : "en", said = SAID[language];
const PANIC = ["/hm/veto", "/hm/freeze", "/hm/blackout"];
const forces = new Map(); // address -> a function that shows a value

const link = new Link("/desk/live", {
  hear: (news) => ({
    nodes: () => { nodes = news.nodes; drawForces(); },
    now: () => { ({ values, health, queue } = news); drawHealth(); drawQueue(); drawStructure(values["/hm/state/proposal"]?.[0] ?? ""); drawValues(); },
    error: () => { at("error").textContent = news.what; setTimeout(() => { at("error").textContent = ""; }, 6000); },
  })[news.t]?.(),
  changed: (open) => { at("link").textContent = open ? "" : said.far; },
});

function speak(chosen) {
  language = document.documentElement.lang = chosen;
  said = SAID[chosen];
  for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
  for (const id of FIXED) at(id).textContent = said[id];
  at("link").textContent = link.open ? "" : said.far;
  shownQueue = "";
  shownProposal = null;
  if (health) { drawHealth(); drawQueue(); drawStructure(values["/hm/state/proposal"]?.[0] ?? ""); }
}
for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => speak(button.dataset.language));

const set = (address, ...args) => link.send({ t: "set", address, args });

at("veto").addEventListener("click", () => set("/hm/veto"));
for (const id of ["freeze", "blackout"])
  at(id).addEventListener("click", () => {
    const on = at(id).getAttribute("aria-pressed") !== "true";
    set(`/hm/${id}`, on);
    at(id).setAttribute("aria-pressed", String(on));
  });

function rows(table) {
  const list = made("dl", { className: "rows" });
  for (const [name, value] of Object.entries(table))
    list.append(made("dt", { textContent: name.replaceAll("_", " ") }), made("dd", { textContent: typeof value === "number" ? +value.toPrecision(4) : value }));
  return list;
}

function drawHealth() {
  const { ok, notes, rooms, facts, figures, doors } = health;
  at("scene").textContent = facts.scene ?? "";
  const lines = notes.map((note) => made("p", { className: "note", textContent: note }));
  if (ok && !lines.length) lines.push(made("p", { className: "quiet", textContent: said.well }));
  at("health").replaceChildren(...lines, rows({ ...rooms, ...facts }));
  at("figures").replaceChildren(rows({ ...figures, ...doors }));
}

function drawQueue() {
  const now = JSON.stringify(queue);
  if (now === shownQueue) return;
  shownQueue = now;
  at("queue").replaceChildren(...queue.map(({ key, words, dreamt, why }) => {
    const pass = made("button", { type: "button", textContent: dreamt ? said.lend : said.pass });
    const stop = made("button", { type: "button", textContent: dreamt ? said.erase : said.displace });
    pass.addEventListener("click", () => link.send({ t: "pass", key }));
    stop.addEventListener("click", () => link.send({ t: "stop", key }));
    const reason = [dreamt ? said.dreamt : said.waits, why].filter(Boolean).join(": ");
    return made("li", {}, made("p", { textContent: words, dir: "auto" }), made("p", { className: "why", textContent: reason }), made("div", {}, pass, stop));
  }));
  if (!queue.length) at("queue").append(made("li", { className: "quiet", textContent: said.nothing }));
}

// What the words' statistics ask for: they change nothing without a person's leave.
function drawStructure(told) {
  if (told === shownProposal) return;
  shownProposal = told;
  if (!told) return at("structure").replaceChildren(made("p", { className: "quiet", textContent: said.same }));
  const buttons = [[said.change, true], [said.leave, false]].map(([textContent, given]) => {
    const button = made("button", { type: "button", textContent });
    button.addEventListener("click", () => link.send({ t: "leave", given }));
    return button;
  });
  at("structure").replaceChildren(made("p", { textContent: `${said.asked} ${told}.` }), made("div", {}, ...buttons));
}

// A slider for a number with ends, a switch for T, a list for choices. What a scene has for itself lies folded under its name.
function drawForces() {
  forces.clear();
  const folded = new Map();
  const shown = nodes.filter((node) => node.writable && node.readable && !PANIC.includes(node.address) && control(node));
  at("forces").replaceChildren();
  for (const node of shown) {
    const [, scene, name] = node.address.match(/^\/hm\/scene\/([^/]+)\/(.+)$/) ?? [null, "", node.address.replace("/hm/", "")];
    if (scene && !folded.has(scene)) folded.set(scene, made("details", {}, made("summary", { textContent: scene })));
    (folded.get(scene) ?? at("forces")).append(force(node, name));
  }
  at("forces").append(...folded.values());
  drawValues();
}

function force(node, name) {
  const input = control(node), output = made("output");
  input.id = node.address;
  input.addEventListener("pointerdown", () => { held = node.address; });
  input.addEventListener("pointerup", () => { held = ""; });
  input.addEventListener("input", () => {
    const value = input.type === "checkbox" ? input.checked : input.type === "range" ? Number(input.value) : input.value;
    set(node.address, value);
    if (typeof value === "number") output.textContent = +value.toPrecision(3);
  });
  forces.set(node.address, (value) => {
    if (held === node.address || document.activeElement === input && input.tagName === "SELECT") return;
    if (input.type === "checkbox") input.checked = value;
    else input.value = value;
    output.textContent = typeof value === "number" ? +value.toPrecision(3) : "";
  });
  return made("div", { className: "force", title: node.address }, made("label", { htmlFor: node.address, textContent: name }), input, output,
    made("p", { textContent: node.text }));
}

function control({ types, low, high, choices }) {
  if (choices.length) return made("select", {}, ...choices.map((choice) => made("option", { value: choice, textContent: choice })));
  if (["f", "d", "i"].includes(types) && low !== null && high !== null)
    return made("input", { type: "range", min: low, max: high, step: types === "i" ? 1 : (high - low) / 500 });
  if (types === "T") return made("input", { type: "checkbox" });
  return null;
}

function drawValues() {
  const state = [];
  for (const [address, value] of Object.entries(values)) {
    forces.get(address)?.(value[0]);
    if (address.startsWith("/hm/state/"))
      state.push(made("dt", { textContent: address.replace("/hm/state/", "") }),
        made("dd", { textContent: value.map((v) => (typeof v === "number" ? +v.toPrecision(3) : v)).join(" ") }));
    const panic = { "/hm/freeze": "freeze", "/hm/blackout": "blackout" }[address];
    if (panic) at(panic).setAttribute("aria-pressed", String(Boolean(value[0])));
  }
  at("state").replaceChildren(...state);
}

speak(language);
