// New lines of a timeline take their place by their moment; what is being read stays where it is on the screen.
"use strict";

const isOf = (event) => event.detail.target?.id === "entries";
let held = null;

// What the pointer is on in the timeline or below it; else, with its beginning scrolled away, the first line in sight.
const findHeld = () => {
  const list = document.getElementById("entries");
  const lines = [...list.children];
  const pointed = list.querySelector(":scope > li:hover");
  if (pointed) return pointed;
  const follows = [...document.querySelectorAll(":hover")].at(-1);
  if (follows && list.compareDocumentPosition(follows) & Node.DOCUMENT_POSITION_FOLLOWING && !list.contains(follows)) return follows;
  if (list.getBoundingClientRect().top >= 0) return null;
  return lines.find((line) => line.getBoundingClientRect().bottom > 0) ?? null;
};

const isNewer = (one, other) => {
  const apart = Date.parse(one.dataset.at) - Date.parse(other.dataset.at);
  return apart > 0 || (apart === 0 && Number(one.dataset.number) > Number(other.dataset.number));
};

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (!isOf(event)) return;
  const line = findHeld();
  held = line && { line, top: line.getBoundingClientRect().top };
});

document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (!isOf(event)) return;
  for (const line of [...document.getElementById("entries").children]) {
    // Only what came late moves; a line that is moved would be read out again.
    let next = line.nextElementSibling;
    if (!next || !isNewer(next, line)) continue;
    while (next.nextElementSibling && isNewer(next.nextElementSibling, line)) next = next.nextElementSibling;
    next.after(line);
  }
  if (held?.line.isConnected) window.scrollBy({ top: held.line.getBoundingClientRect().top - held.top, behavior: "instant" });
  held = null;
});
