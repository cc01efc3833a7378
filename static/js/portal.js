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
