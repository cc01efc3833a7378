// What the features look like: from a flag's value to the page, and nothing of flags' origin.

export const FEATURES = {
  price_buttons_v1_3: "Boutons de prix",
  category_visibility_v1_3: "Catégories à cocher",
  scrollable_tickets_v1_3: "Tickets défilants",
  keyboard_shortcuts_v1_3: "Raccourcis clavier",
  visual_signals_v1_3: "Signaux visuels",
  central_block_redesign_v1_3: "Bloc central",
  recyClique_branding_v1_3: "Identité RecyClique",
  backup_audit_v1_3: "Audit des sauvegardes",
};

const LINES = {
  waiting: "Connexion…",
  live: "● En direct",
  polling: "● Connecté",
  stale: "▲ Portail absent : dernières valeurs conservées",
  alone: "▲ Portail absent : la caisse vend comme avant",
};

export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export const euros = (cents) => (cents / 100).toLocaleString("fr-FR", { style: "currency", currency: "EUR" });

/** Show which features are on: the root's data-on, each part's hidden, and the list at the foot. */
export function showFeatures(isOn) {
  const on = Object.keys(FEATURES).filter(isOn);
  document.documentElement.dataset.on = on.join(" ");
  for (const part of document.querySelectorAll("[data-feature]")) part.hidden = !on.includes(part.dataset.feature);
  const branded = on.includes("recyClique_branding_v1_3");
  document.querySelector("h1 .plain").hidden = branded;
  document.title = branded ? "RecyClique" : "Caisse";
  byId("features").replaceChildren(
    ...Object.entries(FEATURES).map(([key, name]) => {
      const item = make("li", {}, on.includes(key) ? "✓ " : "○ ", name);
      item.dataset.key = key;
      item.dataset.state = on.includes(key) ? "on" : "off";
      item.append(make("span", { className: "state" }, on.includes(key) ? "activé" : "désactivé"));
      return item;
    }),
  );
}

export function showLine(state) {
  byId("line").dataset.state = state;
  byId("line").textContent = LINES[state];
}
