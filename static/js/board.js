// The board opens where now stands, and shows at its edges that there is more.
"use strict";

const box = document.querySelector(".board-box");

function sayMore() {
  const end = box.scrollWidth - box.clientWidth - box.scrollLeft;
  const more = [box.scrollLeft > 1 ? "start" : "", end > 1 ? "end" : ""].filter(Boolean).join(" ");
  box.parentElement.dataset.more = more;
  box.parentElement.style.setProperty("--corner", `${box.querySelector(".corner").offsetWidth}px`);
}

if (box) {
  const today = box.querySelector("#today");
  const corner = box.querySelector(".corner");
  if (today && !location.hash) {
    // As much of the days before it as a third of the room beside the names.
    const room = box.clientWidth - corner.offsetWidth;
    box.scrollLeft = today.offsetLeft - corner.offsetWidth - room / 3;
  }
  box.addEventListener("scroll", sayMore, { passive: true });
  window.addEventListener("resize", sayMore);
  sayMore();
}
