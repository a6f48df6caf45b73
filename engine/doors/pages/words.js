// What the pages say, in both languages.

const KINDS = {
  fr: { founding: "mémoire fondatrice", visitor: "quelqu’un", performer: "une voix sur scène", sensor: "un capteur", machine: "la machine" },
  en: { founding: "founding memory", visitor: "someone", performer: "a voice on stage", sensor: "a sensor", machine: "the machine" },
};

const OWN = {
  fr: { email: "adresse électronique", web: "lien", iban: "compte bancaire", street: "adresse", phone: "numéro de téléphone" },
  en: { email: "e-mail address", web: "link", iban: "bank account", street: "street address", phone: "telephone number" },
};

export const SAID = {
  fr: {
    sending: "en route", kept: "gardé. Pour reprendre :", back: "reprendre", coming: "quelque chose va revenir",
    waiting: "quelqu’un la lira d’abord", gone: "repris. Ces mots n’existent plus.", unknown: "Aucune phrase ne porte ce code.",
    distance: "distance", depth: "profondeur", lost: "La machine est loin. Ce que vous écrivez attend ici.", left: "caractères restants",
    there: "Encore là ? La page s’efface bientôt. Une touche la garde.",
    stranger: "Flashez le code dans la salle pour écrire.", empty: "Rien à garder.", slow: "Un instant, la machine digère.",
    spent: "Ce code a déjà servi. Flashez celui qui est affiché maintenant.", crowded: "Beaucoup de monde arrive à la fois. Un instant.",
    late: "La machine se réveille ou réfléchit. Votre phrase attend ici et repart jusqu’à ce qu’elle soit gardée.",
    over: (n) => `${n} ${n === 1 ? "caractère" : "caractères"} de trop. Rien n’a été coupé.`, long: "Trop long : 280 caractères au plus.",
    nothing: "Il n’y avait là que des coordonnées. Rien n’en a été gardé.", full: "La mémoire est pleine. Votre phrase attend ici et repartira.",
    private: (kinds) => `${kinds.map((kind) => OWN.fr[kind] ?? kind).join(", ")} : retiré avant d’être gardé.`,
    care: (number) => `Si c’est de vous qu’il s’agit : quelqu’un écoute, maintenant, au ${number}. Vous pouvez aussi parler à la personne la plus proche.`,
    unread: "Je ne sais pas encore lire cette écriture. Je garde vos signes, sans les comprendre.",
    words: "Votre phrase revient", generations: (n) => (n === 1 ? "1 génération" : `${n} générations`),
  },
  en: {
    sending: "on its way", kept: "kept. To take it back:", back: "take it back", coming: "something will come back",
    waiting: "someone will read it first", gone: "taken back. These words no longer exist.", unknown: "No sentence has this code.",
    distance: "distance", depth: "depth", lost: "The machine is far away. What you write waits here.", left: "characters left",
    there: "Still there? The page will be wiped soon. Any key keeps it.",
    stranger: "Scan the code in the room to write.", empty: "Nothing to keep.", slow: "One moment, the machine is digesting.",
    spent: "This code has been used. Scan the one that is shown now.", crowded: "Many people are coming in at once. One moment.",
    late: "The machine is waking up, or thinking hard. Your sentence waits here and is said again until it is kept.",
    over: (n) => `${n} ${n === 1 ? "character" : "characters"} too many. Nothing was cut.`, long: "Too long: 280 characters at most.",
    nothing: "There was nothing there but an address or a number. None of it was kept.", full: "The memory is full. Your sentence waits here and will go again.",
    private: (kinds) => `${kinds.map((kind) => OWN.en[kind] ?? kind).join(", ")}: taken out before anything was kept.`,
    care: (number) => `If this is about you: somebody listens, now, at ${number}. You can also speak to whoever is nearest.`,
    unread: "I cannot read this script yet. I keep your signs without understanding them.",
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
