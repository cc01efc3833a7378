// Small comforts; every page works without them.
"use strict";

document.addEventListener("htmx:sendError", () => { document.getElementById("lost").hidden = false; });
document.addEventListener("htmx:afterOnLoad", () => { document.getElementById("lost").hidden = true; });

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") document.getElementById("keys")?.showModal();
  const link = [...document.querySelectorAll("a[data-key]")].find((one) => one.dataset.key === event.key);
  if (link) link.click();
});

// Enter saves, Shift-Enter begins a new line; an input method's Enter chooses a word.
document.addEventListener("keydown", (event) => {
  const field = event.target.closest("textarea[data-enter-saves]");
  if (!field || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  field.form.requestSubmit();
});

// A menu closes when the pointer or the focus goes elsewhere, and at Escape.
for (const kind of ["pointerdown", "focusin", "keydown"]) {
  document.addEventListener(kind, (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (kind === "keydown" ? event.key === "Escape" : !menu.contains(event.target)) menu.open = false;
    }
  });
}
