// Small comforts; every page works without them.
"use strict";

let folds = [];

document.addEventListener("htmx:sendError", () => { document.getElementById("lost").hidden = false; });
document.addEventListener("htmx:afterOnLoad", () => { document.getElementById("lost").hidden = true; });

// What somebody is using stays as it is until they are done with it, also when the answer was under way already.
const isInUse = (part) => {
  const live = part.closest("[data-live]");
  return live && (live.querySelector("details[open]") || live.contains(document.activeElement));
};
document.addEventListener("htmx:beforeRequest", (event) => { if (isInUse(event.target)) event.preventDefault(); });

// A part that asks by itself what is new is not replaced while a button in it is under the pointer or pressed.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.matches?.("[data-polls]") && event.target.querySelector("button:hover, :active")) event.detail.shouldSwap = false;
});

// A part that replaces itself keeps open what was open, and closed what was closed.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (isInUse(event.target)) event.detail.shouldSwap = false;
  folds = [...event.target.querySelectorAll("details[id]")].map((one) => [one.id, one.open]);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const [id, open] of folds) document.getElementById(id)?.toggleAttribute("open", open);
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") document.getElementById("keys")?.showModal();
  // What the focus is within comes first, then what the page is about alone, then the page's own.
  const parts = [...document.querySelectorAll("[data-keys]")];
  const part = event.target.closest("[data-keys]") ?? (parts.length === 1 ? parts[0] : null);
  const keyed = [...(part?.querySelectorAll("[data-key]") ?? []), ...document.querySelectorAll("[data-key]:not([data-keys] *)")];
  const asked = keyed.find((one) => one.dataset.key === event.key);
  if (!asked) return;
  event.preventDefault();
  // A field is gone to, a fold opened with its first field ready, a link followed.
  if (asked.matches("textarea, input")) asked.focus();
  else asked.click();
  if (asked.matches("summary")) asked.parentElement.querySelector("input:not([type=hidden])")?.focus();
});

// Enter saves, Shift-Enter begins a new line; an input method's Enter chooses a word.
document.addEventListener("keydown", (event) => {
  const field = event.target.closest("textarea[data-enter-saves]");
  if (!field || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  field.form.requestSubmit();
});

// A form that was refused begins at the field that is wrong; what is wrong with all of it stands at its top.
const wrong = document.querySelector("main [aria-invalid=true]");
const isRefused = performance.getEntriesByType("navigation")[0]?.responseStatus >= 400;
if (wrong && isRefused && !document.querySelector("main .errorlist.nonfield")) {
  wrong.closest("details")?.setAttribute("open", "");
  wrong.focus({ preventScroll: true });
  wrong.scrollIntoView({ block: "center" });
}

// A menu closes when the pointer or the focus goes elsewhere, and at Escape.
for (const kind of ["pointerdown", "focusin", "keydown"]) {
  document.addEventListener(kind, (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (kind === "keydown" ? event.key === "Escape" : !menu.contains(event.target)) menu.open = false;
    }
  });
}

// The order of a list by its buttons or by dragging, without asking the server.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-order] button[name=move]");
  if (!button) return;
  event.preventDefault();
  const item = button.closest("li");
  const up = button.value.endsWith(":up");
  const other = up ? item.previousElementSibling : item.nextElementSibling;
  if (other) up ? other.before(item) : other.after(item);
  button.focus();
});

for (const item of document.querySelectorAll("[data-order] > li")) item.draggable = true;
let dragged = null;
document.addEventListener("dragstart", (event) => { dragged = event.target.closest?.("[data-order] > li") ?? null; });
document.addEventListener("dragend", () => { dragged = null; });
document.addEventListener("dragover", (event) => {
  const over = event.target.closest("[data-order] > li");
  if (!dragged || !over || over === dragged || over.parentElement !== dragged.parentElement) return;
  event.preventDefault();
  const box = over.getBoundingClientRect();
  event.clientY < box.top + box.height / 2 ? over.before(dragged) : over.after(dragged);
});

// What was chosen far above is said again beside the button.
document.addEventListener("change", (event) => {
  const told = event.target.form?.querySelector("[data-chosen]");
  const choice = event.target.closest(".choice");
  if (!told || !choice) return;
  told.hidden = false;
  told.textContent = [...choice.querySelectorAll("b, small")].map((one) => one.textContent.trim().replace(/\s+/g, " ")).join(" — ");
});

// A row leads where its link leads.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button, input, label, summary")) row.querySelector("a").click();
});

// A file that is chosen is read into the field, where it can be looked at; the portal takes no files.
for (const chooser of document.querySelectorAll("input[type=file][data-fills]")) {
  chooser.closest("[hidden]")?.removeAttribute("hidden");
  chooser.addEventListener("change", async () => {
    if (chooser.files.length) document.getElementById(chooser.dataset.fills).value = await chooser.files[0].text();
  });
}

// What was typed outlives a switch of the language or the environment, until it is saved.
const DRAFT = "draft:" + location.pathname + location.search;
const NOT_DRAFTED = new Set(["csrfmiddlewaretoken", "environment"]);
const drafted = document.querySelector("textarea[data-enter-saves]")?.form ?? document.querySelector("form.declare");

function keepDraft() {
  const entries = [...new FormData(drafted)].filter(([name, value]) => !NOT_DRAFTED.has(name) && typeof value === "string");
  sessionStorage.setItem(DRAFT, JSON.stringify(entries));
}

function restoreDraft() {
  const entries = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  if (!entries) return;
  for (const field of drafted.elements) {
    if (!field.name || NOT_DRAFTED.has(field.name) || field.type === "submit" || field.type === "hidden") continue;
    const values = entries.filter(([name]) => name === field.name).map(([, value]) => value);
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else if (values.length) field.value = values[0];
  }
  drafted.querySelector("textarea[data-enter-saves]")?.dispatchEvent(new Event("input", { bubbles: true }));
  drafted.querySelector("select[hx-post]")?.dispatchEvent(new Event("change", { bubbles: true }));
}

if (drafted) {
  // A form that came back with faults holds what was typed already.
  if (drafted.querySelector(".errorlist")) keepDraft();
  else window.addEventListener("load", restoreDraft);
  drafted.addEventListener("input", keepDraft);
  drafted.addEventListener("submit", () => sessionStorage.removeItem(DRAFT));
}

// The next person on this phone reads nothing of the one before.
document.querySelector("form[action$='/logout/']")?.addEventListener("submit", () => sessionStorage.clear());
