// Words ready to be read out are copied at a press; without a clipboard there is no such button.
"use strict";

const showCopies = () => {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
};

if (navigator.clipboard) {
  showCopies();
  document.addEventListener("htmx:afterSwap", showCopies);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText.trim());
    const [before, after] = button.children;
    before.hidden = true;
    after.hidden = false;
    setTimeout(() => { before.hidden = false; after.hidden = true; }, 2000);
  });
}
