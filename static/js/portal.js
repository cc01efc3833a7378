// Small comforts; every page works without them.
"use strict";

document.addEventListener("htmx:sendError", () => { document.getElementById("lost").hidden = false; });
document.addEventListener("htmx:afterOnLoad", () => { document.getElementById("lost").hidden = true; });

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const complaint = document.querySelector('a[href="/complaints/"]');
  if (event.key === "c" && complaint) window.location.assign("/complaints/log/");
});

// Enter saves, Shift-Enter begins a new line; an input method's Enter chooses a word.
document.addEventListener("keydown", (event) => {
  const field = event.target.closest("textarea[data-enter-saves]");
  if (!field || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  field.form.requestSubmit();
});
