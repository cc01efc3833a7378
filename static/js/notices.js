// A notice is drawn as it looks in the till, by the script that the tills run.
"use strict";

const drawNotices = () => {
  if (!window.ReleasePortal) return;
  for (const place of document.querySelectorAll("[data-notice]")) {
    if (!place.shadowRoot) ReleasePortal.draw(place, JSON.parse(place.dataset.notice));
  }
};

drawNotices();
document.addEventListener("htmx:afterSwap", drawNotices);
