// The operator's desk: generated from the same nodes that OSC and OSCQuery show, so nothing has to be kept in step.

import { Link } from "./link.js";

const at = (id) => document.getElementById(id);
const made = (tag, props = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children);
  return element;
};

let nodes = [], values = {}, held = "", shownQueue = "", shownProposal = null;
const PANIC = ["/hm/veto", "/hm/freeze", "/hm/blackout"];
const forces = new Map(); // address -> a function that shows a value

const link = new Link("/desk/live", {
  hear: (news) => ({
    nodes: () => { nodes = news.nodes; drawForces(); },
    now: () => { values = news.values; drawHealth(news.health); drawQueue(news.queue); drawStructure(news.values["/hm/state/proposal"]?.[0] ?? ""); drawValues(); },
    error: () => { at("error").textContent = news.what; setTimeout(() => { at("error").textContent = ""; }, 6000); },
  })[news.t]?.(),
  changed: (open) => { at("link").textContent = open ? "" : "the doors are closed; trying again"; },
});

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

function drawHealth({ ok, notes, rooms, facts, figures, doors }) {
  at("scene").textContent = facts.scene ?? "";
  const said = notes.map((note) => made("p", { className: "note", textContent: note }));
  if (ok && !said.length) said.push(made("p", { className: "quiet", textContent: "All rooms are well." }));
  at("health").replaceChildren(...said, rows({ ...rooms, ...facts, ...figures, ...doors }));
}

function drawQueue(queue) {
  const now = JSON.stringify(queue);
  if (now === shownQueue) return;
  shownQueue = now;
  at("queue").replaceChildren(...queue.map(({ key, words, dreamt, why }) => {
    const pass = made("button", { type: "button", textContent: dreamt ? "lend its words" : "let it pass" });
    const stop = made("button", { type: "button", textContent: dreamt ? "erase it" : "displace it" });
    pass.addEventListener("click", () => link.send({ t: "pass", key }));
    stop.addEventListener("click", () => link.send({ t: "stop", key }));
    const reason = [dreamt ? "dreamt, lent to nobody" : "waits", why].filter(Boolean).join(": ");
    return made("li", {}, made("p", { textContent: words, dir: "auto" }), made("p", { className: "why", textContent: reason }), made("div", {}, pass, stop));
  }));
  if (!queue.length) at("queue").append(made("li", { className: "quiet", textContent: "Nothing waits." }));
}

// What the words' statistics ask for: they change nothing without a person's leave.
function drawStructure(told) {
  if (told === shownProposal) return;
  shownProposal = told;
  if (!told) return at("structure").replaceChildren(made("p", { className: "quiet", textContent: "The words ask for no other structure." }));
  const buttons = [["let it change", true], ["leave it", false]].map(([textContent, given]) => {
    const button = made("button", { type: "button", textContent });
    button.addEventListener("click", () => link.send({ t: "leave", given }));
    return button;
  });
  at("structure").replaceChildren(made("p", { textContent: `Asked for: ${told}.` }), made("div", {}, ...buttons));
}

// A slider for a number with ends, a switch for T, a list for choices.
function drawForces() {
  forces.clear();
  const shown = nodes.filter((node) => node.writable && node.readable && !PANIC.includes(node.address) && control(node));
  at("forces").replaceChildren(...shown.map((node) => {
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
    return made("div", { className: "force" }, made("label", { htmlFor: node.address, textContent: node.address.replace("/hm/", "") }), input, output,
      made("p", { textContent: node.text }));
  }));
  drawValues();
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
