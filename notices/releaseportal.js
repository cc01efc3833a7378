// The Release Portal in a till's page (docs/how-to/tell-the-tills.md): notices, news of flags, reports of problems.
// It waits for nothing, throws nothing and takes no focus: no sale depends on it.
(() => {
  "use strict";
  const WORDS = {
    fr: {
      done: "Compris", report: "Signaler un problème", what: "Que se passe-t-il ?", stuck: "Je ne peux plus vendre",
      send: "Envoyer", close: "Fermer", next: "Prochaine nouvelle : ", fresh: "Nouveau : ", more: "En savoir plus",
      thanks: "Merci ! C’est transmis, n° ", kept: "Pas de réseau : gardé ici, cela partira seul.",
      wait: "Trop de messages. Renvoyez dans (secondes) : ", bad: "Refusé. Appelez l’assistance. Erreur ",
    },
    en: {
      done: "Got it", report: "Report a problem", what: "What happens?", stuck: "I cannot sell any more",
      send: "Send", close: "Close", next: "Next update: ", fresh: "New: ", more: "Read more",
      thanks: "Thank you! Support has it, no. ", kept: "No network: kept here, it will go by itself.",
      wait: "Too many messages. Send again in (seconds): ", bad: "Refused. Call support. Error ",
    },
  };
  const SIGNS = { info: "ℹ ", warning: "◆ ", urgent: "▲ " };
  const PLACE = ["site", "till", "targetingKey", "language"];
  const EVERY_MS = 60_000;
  const PATIENCE_MS = 5_000;
  const CSS = `:host{all:initial;display:block;color-scheme:light dark;font:16px/1.4 system-ui;color:CanvasText}
    .floating{position:fixed;z-index:9999;inset:auto 12px 12px auto;max-width:min(26rem,100vw - 24px);max-height:50vh;overflow:auto}
    article,dialog,.report{background:Canvas;color:inherit}
    article,dialog{border:1px solid;border-left-width:6px;border-radius:10px;padding:12px;margin-bottom:8px;overflow-wrap:anywhere}
    .warning{border-color:#b57700}.urgent{border:3px solid light-dark(#b3261e,#ff8f85);border-left-width:8px}
    p,strong{margin:0 0 6px;display:block;white-space:pre-line}img{max-width:100%;height:auto}a{color:inherit;margin-right:12px}
    button,textarea{font:inherit;color:inherit;background:none;border:1px solid;border-radius:8px;padding:8px 12px;min-height:44px;margin:4px 8px 4px 0}
    :focus-visible{outline:3px solid}dialog{width:min(30rem,85vw);margin:auto}textarea{display:block;width:100%;box-sizing:border-box}`;

  const script = document.currentScript;
  let till, turn = 0, etag, stream, source, timer, soon, root, boxes, isSending;
  let notices = [], outbox = [];

  /** Do something; whatever goes wrong with it, the till sells. */
  const quietly = async (act) => {
    try {
      return await act();
    } catch {}
  };
  const recall = (name, otherwise) => {
    try {
      return JSON.parse(localStorage.getItem("releaseportal:" + name)) ?? otherwise;
    } catch {
      return otherwise;
    }
  };
  const keep = (name, value) => quietly(() => localStorage.setItem("releaseportal:" + name, JSON.stringify(value)));
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const dress = (host) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    return Object.assign(host.attachShadow({ mode: "open" }), { adoptedStyleSheets: [sheet] });
  };

  /** Ask the portal; give up after a moment, wherever it hangs. */
  const ask = async (path, more, read = "json") => {
    const headers = { Authorization: "Bearer " + till.token, ...(more?.etag && { "If-None-Match": more.etag }) };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(till.portal + path, { ...more, headers, signal });
    return { answer, body: answer.status === 304 || (await answer[read]()) };
  };

  const look = async (mine) => {
    clearTimeout(timer);
    if (mine !== turn) return;
    timer = setTimeout(look, EVERY_MS, mine);
    quietly(send);
    await quietly(async () => {
      const place = Object.entries(till).filter(([name, value]) => value && PLACE.includes(name));
      const { answer, body } = await ask("/notices/v1/current?" + new URLSearchParams(place), { etag });
      if (mine !== turn) return;
      if (answer.ok) {
        etag = answer.headers.get("ETag");
        ({ notices, stream } = body);
        keep(till.name, notices);
      }
      listen();
    });
    if (mine === turn) quietly(show);
  };
  /** Not all tills in the same instant. */
  const lookSoon = () => {
    clearTimeout(soon);
    soon = setTimeout(look, Math.random() * 300, turn);
  };
  const listen = () => {
    if (!stream || (source && source.readyState < 2)) return;
    source = new EventSource(till.portal + stream);
    source.onmessage = ({ data }) => quietly(() => {
      lookSoon();
      if (JSON.parse(data).type !== "refetchEvaluation") return;
      document.dispatchEvent(new Event("releaseportal:flags"));
      return till.onFlags?.();
    });
  };

  const card = (notice) => {
    const say = WORDS[notice.language];
    const title = (notice.kind === "new_feature" ? say.fresh : SIGNS[notice.level]) + notice.title;
    const text = make("p", {}, notice.text);
    const box = make("article", { className: notice.level, lang: notice.language }, make("strong", {}, title), text);
    // In the till's language, beside words of the other one.
    if (notice.mark) box.prepend(make("small", { lang: till.language }, notice.mark));
    if (notice.next_update_at) {
      const at = new Date(notice.next_update_at).toLocaleString(notice.language, { dateStyle: "short", timeStyle: "short" });
      box.append(make("p", {}, say.next + at));
    }
    if (notice.hotline) box.append(make("a", { href: "tel:" + notice.hotline.replace(/\/.*|\(0\)|[^+\d]/g, "") }, "☎ " + notice.hotline));
    if (/^https?:/.test(notice.documentation))
      box.append(make("a", { href: notice.documentation, target: "_blank", rel: "noreferrer" }, say.more));
    if (notice.level !== "urgent") {
      const onclick = () => quietly(() => putAway(notice.id));
      box.append(make("button", { type: "button", ariaLabel: `${say.done} : ${notice.title}`, onclick }, say.done));
    }
    if (notice.picture) quietly(() => addPicture(text, notice.picture));
    return box;
  };
  const addPicture = async (text, { url, width, height }) => {
    const { answer, body } = await ask(url, {}, "blob");
    if (answer.ok) text.after(make("img", { alt: "", width, height, src: URL.createObjectURL(body) }));
  };
  const putAway = (id) => {
    keep("read", [...recall("read", []), id].slice(-200));
    show();
    root.querySelector("article button, .report")?.focus();
  };
  /** Urgent ones all, of the others one at a time; what stands there already is not touched. */
  const show = () => {
    const read = recall("read", []);
    const valid = notices.filter(({ until }) => !until || Date.parse(until) > Date.now());
    const isUrgent = ({ level }) => level === "urgent";
    fill(boxes[0], valid.filter(isUrgent));
    fill(boxes[1], valid.filter((one) => !isUrgent(one) && !read.includes(one.id)).slice(0, 1));
  };
  const fill = (box, wanted) => {
    const fresh = new Map(wanted.map((one) => [one.id, one]));
    for (const child of [...box.children]) if (!fresh.delete(child.id)) child.remove();
    for (const [id, one] of fresh) box.append(Object.assign(card(one), { id }));
  };

  const post = (report) => ask("/notices/v1/problems", { method: "POST", body: JSON.stringify(report) });
  /** Send what waited for the network; what would be refused again just so is let go. */
  const send = async () => {
    if (isSending) return;
    isSending = true;
    await quietly(async () => {
      for (const one of outbox.filter(({ name }) => name === till.name)) {
        const { answer } = await post(one.report);
        if (!answer.ok && ![400, 404, 409, 413].includes(answer.status)) break;
        keep("outbox", (outbox = outbox.filter((other) => other !== one)));
      }
    });
    isSending = false;
  };
  const report = () => quietly(() => {
    const say = WORDS[till.language];
    const text = make("textarea", { required: true, maxLength: 4000, rows: 4, value: recall("draft", "") });
    const stuck = make("input", { type: "checkbox" });
    const said = make("p", { role: "status" });
    const sendIt = make("button", {}, say.send);
    const close = make("button", { type: "button", onclick: () => dialog.close() }, say.close);
    const labels = [make("label", {}, say.what, text), make("label", {}, stuck, " " + say.stuck)];
    const form = make("form", {}, make("strong", {}, say.report), ...labels, said, sendIt, close);
    const dialog = make("dialog", { ariaLabel: say.report, onclose: () => dialog.remove() }, form);
    text.oninput = () => keep("draft", text.value);
    // The page's own shortcuts do not hear what is typed here.
    for (const name of ["keydown", "keypress", "keyup"]) dialog.addEventListener(name, (event) => event.stopPropagation());
    form.onsubmit = (event) => {
      event.preventDefault();
      sendIt.disabled = true;
      quietly(async () => {
        const [words, isGone] = await tell(text.value, stuck.checked ? "blocking" : "annoying", say);
        said.textContent = words;
        if (isGone) keep("draft", "");
        sendIt.hidden = isGone;
      }).then(() => (sendIt.disabled = false));
    };
    root.append(dialog);
    dialog.showModal();
  });
  /** Report now, or keep it until the network is back; return what to say, and whether the words may go. */
  const tell = async (text, severity, say) => {
    const report = { text, severity, site: till.site, till: till.till, targetingKey: till.targetingKey };
    report.request_id = [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16)).join("-");
    report.occurred_at = new Date();
    report.flags = await quietly(() => till.flags?.());
    const { answer, body } = (await quietly(() => post(report))) ?? {};
    if (answer?.ok) return [say.thanks + body.number, true];
    if (answer?.status === 429) return [say.wait + answer.headers.get("Retry-After")];
    if (answer?.status < 500) return [say.bad + answer.status];
    keep("outbox", (outbox = [...outbox, { name: till.name, report }]));
    return [say.kept, true];
  };

  const connect = (given) => quietly(() => {
    source?.close();
    source = stream = etag = undefined;
    turn += 1;
    till = { portal: script && new URL(script.src).origin, ...given, language: given.language === "en" ? "en" : "fr" };
    till.name = [till.portal, till.site, till.token.slice(-6)].join();
    outbox = recall("outbox", outbox);
    notices = recall(till.name, []);
    root?.host.remove();
    const place = document.querySelector(till.target ?? "body") ?? document.body;
    const host = make("div", { lang: till.language });
    root = dress(host);
    boxes = ["alert", "status"].map((role) => make("div", { role }));
    const all = make("div", { className: till.target ? "" : "floating" }, ...boxes);
    const button = { type: "button", className: "report", onclick: report };
    if (till.button !== "none") all.append(make("button", button, WORDS[till.language].report));
    root.append(all);
    place.append(host);
    setTimeout(look, 0, turn);
    show();
  });
  addEventListener("online", () => till && lookSoon());
  window.ReleasePortal = { connect, report, draw: (place, notice) => quietly(() => dress(place).append(card(notice))) };
  if (script?.dataset.site) {
    const begin = () => connect({ ...script.dataset });
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
    else begin();
  }
})();
