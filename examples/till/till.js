// A till whose eight new features stand behind flags. Selling needs none of them, and no network.

import { OpenFeature, ProviderEvents } from "@openfeature/web-sdk";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { FEATURES, byId, euros, make, showFeatures, showLine } from "./signs.js";

const CATEGORIES = ["Vaisselle", "Textile", "Livres", "Jouets", "Mobilier", "Électro", "Décoration", "Bricolage"];
const PRICES = [50, 100, 200, 300, 500, 1000];
const POLL_MS = 5_000;
const CONFIG = "till:config";
const CHOICE = "till:choice";
const TICKED = "till:ticked";
const SALES = "till:sales";
const UNSENT = "till:unsent";
const REFUSED = "till:refused";
// What the back end will never take: no ticket, or one whose id is that of another.
const NEVER = [400, 409];
const BACKUPS_SHOWN = 5;

const client = OpenFeature.getClient();
const ticket = [];
let category = CATEGORIES[0];
let isAnswered = false;
let askingAgain;
let heard;
let sendingAgain;
let isSending = false;
let ticked = recall(TICKED) ?? CATEGORIES.slice(0, 5);

function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // A full or forbidden storage must not stop a sale.
  }
}

const isOn = (key) => client.getBooleanValue(key, false);

// ── Selling ──────────────────────────────────────────────────────────────────────────────────

function add(cents) {
  ticket.push({ category, cents });
  byId("said").textContent = "";
  delete byId("said").dataset.signal;
  showTicket();
}

function validate() {
  if (ticket.length === 0) return say("Le ticket est vide.", "refused");
  const total = ticket.reduce((sum, line) => sum + line.cents, 0);
  const sale = { id: crypto.randomUUID(), at: new Date().toISOString(), lines: ticket.length, cents: total };
  keep(SALES, [...(recall(SALES) ?? []), sale].slice(-200));
  const lines = ticket.map((line) => ({ article: code(line.category), cents: line.cents }));
  keep(UNSENT, [...(recall(UNSENT) ?? []), { id: sale.id, lines }]);
  ticket.length = 0;
  say(`Vente validée : ${euros(total)}`, "done");
  showTicket();
  showBackups();
  send();
}

/** An article's code: its category without accents. */
const code = (name) => name.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Hand what was sold to the back end, oldest first; what it cannot take now stays here and is tried again. */
async function send() {
  // A till without a back end keeps its sales in the browser.
  if (isSending || !recall(CONFIG)?.backend) return;
  isSending = true;
  clearTimeout(sendingAgain);
  try {
    for (let [first] = recall(UNSENT) ?? []; first; [first] = recall(UNSENT) ?? []) {
      const answer = await fetch("/api/tickets", { method: "POST", body: JSON.stringify(first) });
      if (!answer.ok && !NEVER.includes(answer.status)) throw new Error("later");
      const told = await answer.json();
      // What it will never take is kept apart, and shown: a cashier must hear of it.
      if (!answer.ok) keep(REFUSED, [...(recall(REFUSED) ?? []), first]);
      keep(UNSENT, (recall(UNSENT) ?? []).filter((one) => one.id !== first.id));
      if (answer.ok) note(first.id, told.number);
    }
  } catch {
    sendingAgain = setTimeout(send, POLL_MS);
  }
  isSending = false;
  byId("unsent").textContent = [sayUnsent((recall(UNSENT) ?? []).length), sayRefused((recall(REFUSED) ?? []).length)]
    .filter(Boolean)
    .join(" · ");
}

const sayUnsent = (count) => (count ? `${count} ${count > 1 ? "ventes attendent" : "vente attend"} la base` : "");

const sayRefused = (count) => (count ? `✗ ${count} ${count > 1 ? "ventes refusées" : "vente refusée"} par la base` : "");

/** Keep a sale's receipt number, and show it while it is the last one. */
function note(id, number) {
  const sales = recall(SALES) ?? [];
  const sale = sales.find((one) => one.id === id);
  if (!sale) return;
  sale.number = number;
  keep(SALES, sales);
  if (sale === sales.at(-1) && ticket.length === 0) say(`Vente validée : ${euros(sale.cents)} · ticket n° ${number}`, "done");
  showBackups();
}

function say(words, signal) {
  const said = byId("said");
  said.textContent = isOn("visual_signals_v1_3") ? `${signal === "done" ? "✓" : "✗"} ${words}` : words;
  said.dataset.signal = signal;
}

function remove() {
  ticket.pop();
  showTicket();
}

function showTicket() {
  byId("lines").replaceChildren(
    ...ticket.map((line) => make("li", {}, make("span", {}, line.category), make("b", {}, euros(line.cents)))),
  );
  byId("total").textContent = euros(ticket.reduce((sum, line) => sum + line.cents, 0));
  byId("count").textContent = `${ticket.length} ${ticket.length > 1 ? "articles" : "article"}`;
  // Without the scrolling ticket a long one shrinks, as in 1.2.
  byId("paper").dataset.size = ticket.length > 16 ? "tiny" : ticket.length > 8 ? "small" : "usual";
  byId("paper").scrollTop = byId("paper").scrollHeight;
}

function listCategories() {
  return isOn("category_visibility_v1_3") ? CATEGORIES.filter((one) => ticked.includes(one)) : CATEGORIES;
}

function showCategories() {
  const shown = listCategories();
  if (!shown.includes(category)) category = shown[0] ?? CATEGORIES[0];
  byId("categories").replaceChildren(
    ...shown.map((name) => {
      const button = make("button", { type: "button" }, name);
      button.setAttribute("aria-pressed", String(name === category));
      button.addEventListener("click", () => {
        choose(name);
        [...byId("categories").children].find((one) => one.textContent === name)?.focus();
      });
      return button;
    }),
  );
}

function choose(name) {
  category = name;
  showCategories();
}

function showTicked() {
  byId("ticked").replaceChildren(
    ...CATEGORIES.map((name) => {
      const box = make("input", { type: "checkbox", checked: ticked.includes(name) });
      box.addEventListener("change", () => {
        ticked = CATEGORIES.filter((one) => (one === name ? box.checked : ticked.includes(one)));
        keep(TICKED, ticked);
        showCategories();
      });
      return make("label", {}, box, ` ${name}`);
    }),
  );
}

function showBackups() {
  const sales = (recall(SALES) ?? []).slice(-BACKUPS_SHOWN).reverse();
  const rows = sales.map((sale) =>
    make("li", {}, "✓ ", new Date(sale.at).toLocaleTimeString("fr-FR"), ` · ${sale.lines} art. · ${euros(sale.cents)}`,
      sale.number ? ` · n° ${sale.number}` : ""),
  );
  byId("backups").replaceChildren(...(rows.length ? rows : [make("li", {}, "Aucune vente encore.")]));
}

function onKey(event) {
  if (!isOn("keyboard_shortcuts_v1_3") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) return;
  const acts = { v: validate, r: remove, p: () => byId("free").elements.price.focus() };
  const named = listCategories()[Number(event.key) - 1];
  const act = acts[event.key.toLowerCase()] ?? (named && (() => choose(named)));
  if (!act) return;
  event.preventDefault();
  act();
}

function onFree(event) {
  event.preventDefault();
  const field = event.target.elements.price;
  const cents = Math.round(Number(field.value.trim().replace(",", ".")) * 100);
  if (!Number.isSafeInteger(cents) || cents <= 0) return say("Ce prix n'en est pas un.", "refused");
  add(cents);
  field.value = "";
}

function openShop() {
  byId("prices").append(
    ...PRICES.map((cents) => {
      const button = make("button", { type: "button" }, euros(cents));
      button.addEventListener("click", () => add(cents));
      return button;
    }),
  );
  byId("validate").addEventListener("click", validate);
  byId("remove").addEventListener("click", remove);
  byId("free").addEventListener("submit", onFree);
  byId("problem").addEventListener("click", () => ReleasePortal.report());
  document.addEventListener("keydown", onKey);
  showTicked();
  showBackups();
  showTicket();
  refresh();
}

/** Show the flags as they are known now; the cashier's ticket and focus stay. */
function refresh() {
  showFeatures(isOn);
  if (byId("categories").children.length !== listCategories().length) showCategories();
}

// ── Flags ────────────────────────────────────────────────────────────────────────────────────

async function readConfig() {
  try {
    const answer = await fetch("/config.json");
    if (answer.ok) {
      const config = await answer.json();
      keep(CONFIG, config);
      return config;
    }
  } catch {
    // The last one known will do.
  }
  return recall(CONFIG);
}

function fill(select, options, chosen) {
  select.replaceChildren(...options.map((one) => make("option", { value: one, selected: one === chosen }, one)));
}

/** Ask the portal, and show at once whether it answers: a 304 says so too, although it changes nothing. */
async function ask(...request) {
  const answer = await fetch(...request);
  isAnswered = answer.ok || answer.status === 304;
  if (isAnswered) showLine("polling");
  return answer;
}

/** Show that the portal is away. A stream that comes back unchanged says nothing, so ask again until it answers. */
function showAway() {
  isAnswered = false;
  showLine("stale");
  clearTimeout(askingAgain);
  askingAgain = setTimeout(() => {
    if (isAnswered) return;
    showAway();
    askAgain();
  }, POLL_MS);
}

/** Let the portal's own script show what it has to tell and say when flags changed. Selling waits for neither. */
function hearPortal(till) {
  heard = { ...till, language: "fr", target: "#notices", button: "none", flags: listFlags, onFlags: askAgain };
  if (window.ReleasePortal) return ReleasePortal.connect(heard);
  document.getElementById("portal-script")?.remove();
  const script = make("script", { id: "portal-script", async: true, src: `${till.portal}/notices/v1/releaseportal.js` });
  script.addEventListener("load", () => {
    ReleasePortal.connect(heard);
    byId("problem").hidden = false;
  });
  script.addEventListener("error", () => setTimeout(() => hearPortal(heard), POLL_MS));
  document.head.append(script);
}

/** What a report of a problem says of this page's flags. */
const listFlags = () =>
  Object.fromEntries(Object.keys(FEATURES).map((key) => [key, client.getBooleanDetails(key, false).variant ?? ""]));

/** The provider asks for all flags when its context is set. */
const askAgain = () => OpenFeature.setContext(OpenFeature.getContext());

async function connect(config, choice) {
  const cashier = config.cashiers.find((one) => one.targetingKey === choice.cashier) ?? config.cashiers[0];
  await OpenFeature.setContext(cashier);
  hearPortal({ ...cashier, portal: config.portal, token: config.tokens[choice.environment] });
  const provider = new OFREPWebProvider({
    baseUrl: config.portal,
    headers: [["Authorization", `Bearer ${config.tokens[choice.environment]}`]],
    timeoutMs: 3_000,
    fetchImplementation: ask,
    // The portal's script hears the stream; the poll stands behind it.
    changeDetection: "polling",
    pollInterval: POLL_MS,
  });
  showLine("waiting");
  try {
    await OpenFeature.setProviderAndWait(provider);
    refresh();
  } catch {
    clearTimeout(askingAgain);
    showLine("alone");
    refresh();
    setTimeout(() => OpenFeature.providerMetadata && connect(config, recall(CHOICE) ?? choice), POLL_MS);
  }
}

async function openLine() {
  client.addHandler(ProviderEvents.Ready, refresh);
  client.addHandler(ProviderEvents.ConfigurationChanged, refresh);
  client.addHandler(ProviderEvents.ContextChanged, refresh);
  client.addHandler(ProviderEvents.Stale, showAway);
  client.addHandler(ProviderEvents.Error, showAway);
  const config = await readConfig();
  send();
  if (!config?.portal) return showLine("alone");
  const choice = { environment: config.environment, cashier: config.cashier, ...recall(CHOICE) };
  if (!(choice.environment in config.tokens)) choice.environment = config.environment;
  const form = byId("who");
  fill(form.elements.environment, Object.keys(config.tokens), choice.environment);
  fill(form.elements.cashier, config.cashiers.map((one) => one.targetingKey), choice.cashier);
  form.addEventListener("change", () => {
    const chosen = Object.fromEntries(new FormData(form));
    keep(CHOICE, chosen);
    connect(config, chosen);
  });
  await connect(config, choice);
}

openShop();
openLine();
