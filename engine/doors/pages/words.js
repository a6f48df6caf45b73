// What the pages say, in both languages.

const KINDS = {
  fr: { founding: "mémoire fondatrice", visitor: "quelqu’un", performer: "une voix sur scène", sensor: "un capteur", machine: "la machine" },
  en: { founding: "founding memory", visitor: "someone", performer: "a voice on stage", sensor: "a sensor", machine: "the machine" },
};

export const SAID = {
  fr: {
    sending: "en route", kept: "gardé. Pour reprendre :", back: "reprendre", coming: "quelque chose va revenir",
    waiting: "quelqu’un la lira d’abord", gone: "repris. Ces mots n’existent plus.", unknown: "Aucune phrase ne porte ce code.",
    distance: "distance", depth: "profondeur", lost: "La machine est loin. Ce que vous écrivez attend ici.", left: "caractères restants",
    there: "Encore là ? La page s’efface bientôt. Une touche la garde.",
    stranger: "Flashez le code dans la salle pour écrire.", empty: "Rien à garder.", slow: "Un instant, la machine digère.",
    words: "Votre phrase revient", generations: (n) => (n === 1 ? "1 génération" : `${n} générations`),
  },
  en: {
    sending: "on its way", kept: "kept. To take it back:", back: "take it back", coming: "something will come back",
    waiting: "someone will read it first", gone: "taken back. These words no longer exist.", unknown: "No sentence has this code.",
    distance: "distance", depth: "depth", lost: "The machine is far away. What you write waits here.", left: "characters left",
    there: "Still there? The page will be wiped soon. Any key keeps it.",
    stranger: "Scan the code in the room to write.", empty: "Nothing to keep.", slow: "One moment, the machine is digesting.",
    words: "Your sentence returns", generations: (n) => (n === 1 ? "1 generation" : `${n} generations`),
  },
};

// Whose a borrowed word is: its kind and its age, which is kept by the day.
export function whose({ kind, age }, language) {
  const name = KINDS[language][kind] ?? kind;
  if (kind === "founding") return name;
  const days = Math.round(age);
  if (language === "fr") return `${name}, ${days === 0 ? "aujourd’hui" : days === 1 ? "hier" : `il y a ${days} jours`}`;
  return `${name}, ${days === 0 ? "today" : days === 1 ? "yesterday" : `${days} days ago`}`;
}
