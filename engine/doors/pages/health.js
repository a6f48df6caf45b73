// How the house fares, for people: what is wrong first and what to do, figures below. Machines read /health.json.

const SAID = {
  en: { well: "All is well.", ill: "Something wants a hand.", far: "The doors do not answer; trying again.", rooms: "Rooms", doors: "Doors",
    facts: "Tonight", figures: "Figures", troubles: "Newest troubles", none: "none" },
  fr: { well: "Tout va bien.", ill: "Quelque chose demande une main.", far: "Les portes ne répondent pas\u202f; nouvel essai.", rooms: "Pièces", doors: "Portes",
    facts: "Ce soir", figures: "Mesures", troubles: "Derniers ennuis", none: "aucun" },
};
const at = (id) => document.getElementById(id);
let language = navigator.language.startsWith("fr") ? "fr" : "en", last = null;

const made = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
const shown = (value) => (typeof value === "number" ? String(+value.toPrecision(4)) : typeof value === "boolean" ? (value ? "✓" : "–") : String(value));

function rows(id, table) {
  at(id).replaceChildren(...Object.entries(table).flatMap(([name, value]) => [made("dt", name.replaceAll("_", " ")), made("dd", shown(value) || "–")]));
}

function draw() {
  const said = SAID[language];
  document.documentElement.lang = language;
  for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  for (const part of ["rooms", "doors", "facts", "figures", "troubles"]) at(`h-${part}`).textContent = said[part];
  const verdict = last ? (last.ok ? said.well : said.ill) : said.far;
  if (at("how").textContent !== verdict) at("how").textContent = verdict; // read aloud when it changes, not each time
  document.body.dataset.ok = String(Boolean(last?.ok));
  if (!last) return;
  at("scene").textContent = last.facts.scene ?? "";
  at("notes").replaceChildren(...last.notes.map((note) => made("li", note)));
  for (const part of ["rooms", "doors", "facts", "figures"]) rows(part, last[part]);
  const troubles = last.troubles.slice(-8).reverse().map((trouble) => made("li", trouble));
  at("troubles").replaceChildren(...(troubles.length ? troubles : [made("li", said.none)]));
}

async function look() {
  try { last = await (await fetch("/health.json", { cache: "no-store" })).json(); }
  catch { last = null; }
  draw();
}

for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => { language = button.dataset.language; draw(); });
draw();
look();
setInterval(look, 2000);
