// The search as a palette: Ctrl-K from anywhere, arrows choose, Enter opens. Without this, /search/ is a page.
"use strict";

const palette = document.getElementById("palette");

if (palette) {
  const box = palette.querySelector("[role=combobox]");
  const said = document.getElementById("hits-said");
  const options = () => [...palette.querySelectorAll("[role=option]")];
  const chosen = () => palette.querySelector("[role=option][aria-selected=true]");

  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) box.setAttribute("aria-activedescendant", option.id);
    else box.removeAttribute("aria-activedescendant");
  };

  const step = (by) => {
    const all = options();
    const at = all.indexOf(chosen());
    // Up from nothing chosen is the last one.
    if (all.length) choose(all[(at < 0 && by < 0 ? all.length - 1 : at + by + all.length) % all.length]);
  };

  const open = () => {
    if (palette.open) return box.select();
    document.querySelector("dialog[open]")?.close();
    palette.showModal();
    box.focus();
    box.select();
    box.dispatchEvent(new Event("ask"));
  };

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-palette]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  // The backdrop is the dialog itself, what lies in it is not.
  palette.addEventListener("click", (event) => {
    if (event.target === palette || event.target.closest("[data-closes]")) palette.close();
  });

  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    }
    // With nothing chosen, Enter sends the form: the page of all results.
    if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      chosen().click();
    }
  });
  // Until the answer to the new words is there, the old one is nothing to open.
  box.addEventListener("input", () => choose(null));
  palette.addEventListener("htmx:afterSwap", () => {
    const all = options();
    const hits = document.getElementById("hits");
    const words = box.value.trim();
    box.setAttribute("aria-expanded", String(all.length > 0));
    said.textContent = hits.dataset.said;
    // On a slow line an answer can come to words that have changed since.
    choose(words && words === hits.dataset.words ? all[0] : null);
  });
}
