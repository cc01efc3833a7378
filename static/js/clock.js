// Counts the clocks of a page each second, between the page's own refreshes. The server's clock counts.
"use strict";

const drawClocks = () => {
  for (const clock of document.querySelectorAll("time[data-until]")) {
    clock.offset ??= Date.parse(clock.dataset.now) - Date.now();
    const seconds = Math.abs(Math.trunc((Date.parse(clock.dataset.until) - Date.now() - clock.offset) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    clock.textContent = `${Math.trunc(seconds / 3600)}:${two(Math.trunc(seconds / 60) % 60)}:${two(seconds % 60)}`;
  }
};
setInterval(drawClocks, 1000);
