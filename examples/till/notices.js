// What is new at this till today, from the portal: shown until the cashier has read it. Selling never waits for it.

import { byId, make } from "./signs.js";

const EVERY_MS = 60_000;
const READ = "till:read";
const READ_KEPT = 200;

let asked = 0;
let next;
let etag = "";

const readAlready = () => {
  try {
    return JSON.parse(localStorage.getItem(READ)) ?? [];
  } catch {
    return [];
  }
};

function markRead(id) {
  try {
    localStorage.setItem(READ, JSON.stringify([...readAlready(), id].slice(-READ_KEPT)));
  } catch {
    // Shown once more after the next start: no more than that.
  }
}

/** Ask for the site's notices now and then; whoever is at the till, of another site or environment, ends the watch before. */
export function watchNotices(till) {
  clearTimeout(next);
  etag = "";
  show([], till);
  look(till, ++asked);
}

async function look(till, turn) {
  try {
    const address = `${till.portal}/notices/v1/current?site=${encodeURIComponent(till.site)}`;
    const answer = await fetch(address, { headers: headersOf(till, etag), signal: AbortSignal.timeout(5_000) });
    if (turn !== asked) return;
    if (answer.ok) {
      etag = answer.headers.get("ETag") ?? "";
      show((await answer.json()).notices, till);
    }
  } catch {
    // The portal is away: what is shown stays, and the till sells.
  }
  if (turn === asked) next = setTimeout(() => look(till, turn), EVERY_MS);
}

const headersOf = (till, known) => ({
  Authorization: `Bearer ${till.token}`,
  ...(known && { "If-None-Match": known }),
});

/** One at a time, so that what sells stays where it is however much is new. */
function show(notices, till) {
  const read = readAlready();
  const [first, ...others] = notices.filter((one) => !read.includes(one.id));
  const shown = byId("notices").firstElementChild;
  byId("notices").hidden = !first;
  if (first && shown?.dataset.id === first.id) return;
  byId("notices").replaceChildren(...(first ? [write(first, others, till)] : []));
}

function write(notice, others, till) {
  const done = make("button", { type: "button", textContent: "Compris" });
  const article = make("article", {}, make("h2", {}, `Nouveau : ${notice.title}`), make("p", {}, notice.text), done);
  article.lang = notice.language;
  article.dataset.id = notice.id;
  done.setAttribute("aria-label", `Compris : ${notice.title}`);
  done.addEventListener("click", () => {
    markRead(notice.id);
    show(others, till);
    byId("notices").querySelector("button")?.focus();
  });
  if (notice.picture) showPicture(article, notice, till);
  if (notice.documentation)
    article.append(make("a", { href: notice.documentation, target: "_blank", rel: "noreferrer" }, "En savoir plus"));
  if (others.length) article.append(make("small", {}, `Puis ${others.length} autre${others.length > 1 ? "s" : ""}`));
  return article;
}

async function showPicture(article, notice, till) {
  const image = make("img", { alt: "", width: notice.picture.width, height: notice.picture.height });
  try {
    const answer = await fetch(till.portal + notice.picture.url, { headers: headersOf(till) });
    if (!answer.ok) return;
    image.src = URL.createObjectURL(await answer.blob());
    article.querySelector("p").after(image);
  } catch {
    // The words do without.
  }
}
