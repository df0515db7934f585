// The page's script: what happens between a click and a Gradio event. Loaded before Gradio; each pane calls its
// function here once (see ui/parts.py). Text is only ever set as text; HTML comes from ui/panes.py, escaped there.
"use strict";

window.Byline = (() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const phone = () => matchMedia("(max-width: 860px)").matches;
  const events = {}; // the `trigger` functions of the panes, by their names
  let opened = null; // the id and place of the quote in the reader
  let opener = null; // what to give the focus back to
  let limits = remembered();

  // What goes along with a question -------------------------------------------------------------------------------

  const conversation = () => new URL(location).searchParams.get("c") || "";
  const context = () =>
    JSON.stringify({
      conversation: conversation(),
      article: new URL(location).searchParams.get("a") || "",
      filters: { ...limits, articles: limits.articles.map((article) => article.id) },
    });

  function remembered() {
    const none = { after: "", before: "", publishers: [], articles: [] };
    try {
      return { ...none, ...JSON.parse(sessionStorage.getItem("byline-limits") || "{}") };
    } catch {
      return none;
    }
  }

  function limit(change) {
    limits = { ...limits, ...change };
    try {
      sessionStorage.setItem("byline-limits", JSON.stringify(limits));
    } catch {
      /* a browser without storage forgets the limits on reload */
    }
    showLimits();
  }

  // The question ----------------------------------------------------------------------------------------------------

  const box = () => $("#question textarea, #question input");

  function fill(text) {
    const field = box();
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
    field.setSelectionRange(text.length, text.length);
  }

  function ask(text) {
    fill(text);
    // Gradio reads the field in its next round
    setTimeout(() => $("#ask").click(), 60);
  }

  function askWaiting() {
    setTimeout(() => box().value.trim() && $("#ask").click(), 80);
  }

  // The conversation ------------------------------------------------------------------------------------------------

  function conversationPane(element, trigger, watch) {
    const name = element.closest("#present") ? "present" : "earlier";
    events[name] = trigger;
    element.addEventListener("click", (event) => {
      const at = (selector) => event.target.closest(selector);
      let hit;
      if ((hit = at("[data-example]"))) {
        if ($("[data-load]")) trigger("samples", { question: hit.dataset.example });
        else ask(hit.dataset.example);
      } else if (at("[data-load]")) trigger("samples", { question: "" });
      else if ((hit = at("[data-ask]"))) ask(hit.dataset.ask);
      else if ((hit = at("[data-rephrase]"))) fill(hit.dataset.rephrase);
      else if ((hit = at("[data-widen]"))) {
        limit({ after: "", before: "", publishers: [], articles: [] });
        ask(hit.dataset.widen);
      } else if ((hit = at("[data-copy]"))) copyTurn(hit);
      else if ((hit = at("[data-quote]")) && !at("a, summary") && getSelection().isCollapsed) openQuote(hit, trigger);
    });
    for (const [kind, show] of [["pointerover", 1], ["focusin", 1], ["pointerout", 0], ["focusout", 0]]) {
      element.addEventListener(kind, (event) => {
        const chip = event.target.closest(".chip");
        if (chip && (show === 0 || event.pointerType !== "touch")) preview(show ? chip : null);
      });
    }
    watch("value", () => (name === "present" ? present(element) : settled(element)));
    if (name === "present") addEventListener("popstate", () => trigger("visit", {}));
  }

  let shownTurn = "";

  function present(element) {
    const turn = $(".turn", element);
    const id = $("[data-conversation]", element)?.dataset.conversation;
    if (id && id !== conversation()) history.pushState({}, "", `/?c=${encodeURIComponent(id)}`);
    const key = turn ? `${conversation()}:${turn.dataset.turn}` : "";
    if (turn && turn.dataset.state === "working" && key !== shownTurn) {
      shownTurn = key;
      if (phone()) document.activeElement?.blur?.(); // or the keyboard would cover the answer
      turn.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
    }
    if (turn && turn.dataset.state !== "working") shownTurn = "";
    retitle();
    markOpened();
  }

  function settled(element) {
    retitle();
    markOpened();
    if (!$("#present .turn")) $(".turn:last-child", element)?.scrollIntoView({ block: "start" });
  }

  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function retitle() {
    const first = $(".turn .question");
    document.title = first ? `${first.textContent.slice(0, 80)} · Byline` : "Byline";
  }

  async function copyTurn(button) {
    const lines = [];
    const sources = [];
    for (const quote of $$(".quote", button.closest(".turn"))) {
      const place = quote.dataset.place;
      const { textContent: text, classList } = $("blockquote", quote);
      const speaker = $(".speaker", quote) ? ` — ${$(".speaker", quote).textContent}` : "";
      lines.push(`${classList.contains("speech") ? text : `“${text}”`}${speaker} [${place}]`);
      const link = quote.dataset.link ? `\n    ${quote.dataset.link}` : "";
      sources.push(`[${place}] ${$(".about cite", quote.closest(".card")).textContent} — ${quote.dataset.source}${link}`);
    }
    const was = button.textContent;
    try {
      await navigator.clipboard.writeText([$(".question", button.closest(".turn")).textContent, ...lines, sources.join("\n")].join("\n\n"));
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
    setTimeout(() => (button.textContent = was), 1600);
  }

  // Quotes and the reader -------------------------------------------------------------------------------------------

  const quotes = () => $$("#earlier [data-quote], #present [data-quote]").filter((q) => q.offsetParent);
  const keyOf = (quote) => `${quote.closest(".turn")?.dataset.turn}|${quote.dataset.quote}`;

  function openQuote(quote, trigger) {
    opened = keyOf(quote);
    opener = $(".chip", quote);
    preview(null);
    document.body.classList.add("reading", "sheet-open");
    $("#reader")?.setAttribute("aria-busy", "true");
    markOpened();
    (trigger || events[quote.closest("#present") ? "present" : "earlier"])("quote", {
      id: quote.dataset.quote,
      bold: quote.dataset.bold,
      text: $("blockquote", quote).textContent,
    });
  }

  function markOpened() {
    const all = quotes();
    for (const quote of all) quote.classList.toggle("open", keyOf(quote) === opened && document.body.classList.contains("reading"));
    const at = all.findIndex((quote) => keyOf(quote) === opened);
    const where = $("#reader-bar .where");
    if (where) where.textContent = at < 0 ? "" : `Quote ${at + 1} of ${all.length}`;
    for (const button of $$("#reader-bar [data-step]")) button.disabled = at < 0 || !all[at + Number(button.dataset.step)];
  }

  function step(by) {
    const all = quotes();
    const at = all.findIndex((quote) => keyOf(quote) === opened);
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
    if (!next) return;
    next.scrollIntoView({ block: "nearest" });
    openQuote(next);
  }

  function closeReader() {
    document.body.classList.remove("reading", "sheet-open");
    opened = null;
    markOpened();
    opener?.isConnected ? opener.focus() : box()?.focus();
  }

  function readerPane(element, trigger, watch) {
    events.reader = trigger;
    watch("value", () => {
      $("#reader")?.removeAttribute("aria-busy");
      const article = $(".reader", element) || $(".empty", element);
      if (!article) return;
      document.body.classList.add("reading", "sheet-open");
      const mark = $("mark", element);
      const pane = $("#reader");
      article.focus?.({ preventScroll: true });
      if (mark) {
        const box = mark.getBoundingClientRect();
        const view = pane.getBoundingClientRect();
        const wanted = pane.scrollTop + box.top - view.top - Math.max((view.height - box.height) / 3, 24);
        pane.scrollTop = wanted < 96 ? 0 : wanted; // a quote near the top leaves the headline whole
      } else pane.scrollTop = 0;
    });
    element.addEventListener("click", (event) => {
      const only = event.target.closest("[data-only]");
      const quote = event.target.closest("[data-quote]");
      if (quote && getSelection().isCollapsed) return openQuote(quote, trigger);
      if (!only) return;
      limit({ articles: [{ id: only.dataset.only, title: only.dataset.title }] });
      if (phone()) closeReader();
      box()?.focus();
    });
  }

  // Select to find evidence: any marked text of the page can be looked for in the library --------------------------------

  let finding = null;

  function offer() {
    const chosen = getSelection();
    const text = chosen.toString().trim();
    const inside = chosen.rangeCount && chosen.getRangeAt(0).commonAncestorContainer.parentElement?.closest("#scroll, #reader");
    if (!inside || text.split(/\s+/).length < 3) return finding && (finding.hidden = true);
    if (!finding) {
      finding = document.createElement("button");
      finding.type = "button";
      finding.id = "find-evidence";
      finding.className = "primary";
      finding.textContent = "Find in your articles";
      finding.addEventListener("pointerdown", (event) => event.preventDefault()); // or the selection would go
      finding.addEventListener("click", () => {
        finding.hidden = true;
        evidence(getSelection().toString());
        getSelection().removeAllRanges();
      });
      $(".gradio-container").append(finding);
    }
    const spot = chosen.getRangeAt(0).getBoundingClientRect();
    finding.hidden = false;
    finding.style.left = `${Math.max(8, Math.min(spot.left, innerWidth - finding.offsetWidth - 8))}px`;
    finding.style.top = `${spot.bottom + 8 + finding.offsetHeight < innerHeight ? spot.bottom + 8 : Math.max(8, spot.top - finding.offsetHeight - 8)}px`;
  }

  function evidence(text) {
    if (!text.trim()) return box()?.focus();
    opened = null;
    opener = box();
    document.body.classList.add("reading", "sheet-open");
    markOpened();
    events.reader("evidence", { text });
  }

  let settling = 0;
  document.addEventListener("selectionchange", () => {
    clearTimeout(settling);
    settling = setTimeout(offer, 250);
  });

  function bar(element) {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.close) closeReader();
      else step(Number(button.dataset.step));
    });
  }

  function shelfPane(element, trigger) {
    events.shelf = trigger;
    element.addEventListener("click", (event) => {
      const item = event.target.closest("[data-open]");
      if (item) {
        opened = null;
        opener = item;
        trigger("read", { id: item.dataset.open });
      } else if (event.target.closest("[data-unload]")) trigger("unsample", {});
    });
  }

  // A preview of the quote in its paragraph -------------------------------------------------------------------------

  let waiting = 0;

  function preview(chip) {
    clearTimeout(waiting);
    let card = $("#byline-preview");
    if (!chip) {
      if (card) card.hidden = true;
      return;
    }
    waiting = setTimeout(() => {
      const source = $(".preview", chip.closest(".quote"));
      if (!source || !chip.isConnected) return;
      if (!card) {
        card = document.createElement("div");
        card.id = "byline-preview";
        card.setAttribute("role", "tooltip");
        $(".gradio-container").append(card);
      }
      card.replaceChildren(...[...source.cloneNode(true).childNodes]);
      card.hidden = false;
      chip.setAttribute("aria-describedby", card.id);
      const spot = chip.getBoundingClientRect();
      const height = card.offsetHeight;
      card.style.left = `${Math.max(12, Math.min(spot.left, innerWidth - card.offsetWidth - 12))}px`;
      card.style.top = `${spot.bottom + 8 + height < innerHeight ? spot.bottom + 8 : Math.max(8, spot.top - height - 8)}px`;
    }, 220);
  }

  // Limits ----------------------------------------------------------------------------------------------------------

  function limitsPane(element, trigger, watch) {
    element.addEventListener("change", (event) => {
      const field = event.target;
      if (field.name === "after" || field.name === "before") limit({ [field.name]: field.value });
      if (field.name === "publisher") limit({ publishers: $$("[name=publisher]:checked", element).map((box) => box.value) });
    });
    element.addEventListener("click", (event) => {
      const drop = event.target.closest("[data-drop]");
      if (event.target.closest("[data-check]")) evidence(box().value);
      if (event.target.closest("[data-sheet]")) document.body.classList.add("sheet-open");
      if (event.target.closest("[data-clear]")) limit({ after: "", before: "", publishers: [], articles: [] });
      if (drop) limit({ [drop.dataset.drop]: drop.dataset.drop === "publishers" || drop.dataset.drop === "articles" ? [] : "" });
    });
    watch("value", showLimits);
    showLimits();
  }

  const day = (date) => new Date(`${date}T00:00`).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });

  function showLimits() {
    const pane = $("#limits");
    const set = pane && $(".set", pane);
    if (!set) return;
    for (const name of ["after", "before"]) if ($(`[name=${name}]`, pane)) $(`[name=${name}]`, pane).value = limits[name];
    for (const tick of $$("[name=publisher]", pane)) tick.checked = limits.publishers.includes(tick.value);
    const chips = [];
    const chip = (kind, text) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "limit";
      button.dataset.drop = kind;
      button.textContent = `${text} ×`;
      button.setAttribute("aria-label", `Remove the limit: ${text}`);
      chips.push(button);
    };
    if (limits.after) chip("after", `From ${day(limits.after)}`);
    if (limits.before) chip("before", `Until ${day(limits.before)}`);
    if (limits.publishers.length) chip("publishers", limits.publishers.join(", "));
    if (limits.articles.length) chip("articles", `Only: ${limits.articles.map((a) => a.title.slice(0, 60)).join(", ")}`);
    set.replaceChildren(...chips);
  }

  // Keys and the phone's sheet ---------------------------------------------------------------------------------------

  // The grey behind the phone's sheet closes it, and a click anywhere else closes the filters.
  addEventListener("click", (event) => {
    const filters = $(".filter[open]");
    if (filters && !event.target.closest(".filter")) filters.open = false;
    if (event.target === document.body && document.body.classList.contains("sheet-open")) closeReader();
  });

  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const inside = event.target.closest?.("#side");
      const filters = $(".filter[open]");
      preview(null);
      if (filters) {
        filters.open = false;
        $("summary", filters).focus();
      } else if (document.body.classList.contains("reading")) {
        if (phone() || !inside) closeReader();
        else (opener?.isConnected ? opener : box())?.focus();
      } else if (document.body.classList.contains("sheet-open")) document.body.classList.remove("sheet-open");
      return;
    }
    if (typing) return;
    if (event.key === "[" || event.key === "]") step(event.key === "]" ? 1 : -1);
    else if (event.key === "/" && box()) box().focus();
    else return;
    event.preventDefault();
  });

  // Lists: the library and the history -------------------------------------------------------------------------------

  let soon = 0; // the search that follows typing
  let asked = {}; // what goes along with the next event beside the fields: an id, a token, how many rows

  function wanted() {
    const fields = Object.fromEntries([...new FormData($("#find form") || undefined)].map(([name, value]) => [name, String(value)]));
    return JSON.stringify({ ...fields, ...asked, adding: location.hash === "#add" ? "yes" : "" });
  }

  function finder(element, trigger) {
    element.addEventListener("submit", (event) => event.preventDefault());
    element.addEventListener("input", () => {
      clearTimeout(soon);
      asked = {};
      soon = setTimeout(() => trigger("seek", {}), 180);
    });
  }

  function rows(element, trigger, watch) {
    let turning = false; // to another page of the list
    watch("value", () => {
      if (!turning) return;
      turning = false;
      element.closest("#rows").scrollIntoView({ block: "start" });
      $(".rows .name", element)?.focus({ preventScroll: true });
    });
    element.addEventListener("click", (event) => {
      if (event.target.closest("[data-pair]")) {
        asked = Object.fromEntries(new FormData($("[data-compare]", element)));
        return trigger("seek", {});
      }
      for (const [name, event_, key] of [["discard", "discard", "id"], ["restore", "restore", "token"], ["begin", "seek", "begin"]]) {
        const button = event.target.closest(`[data-${name}]`);
        if (!button) continue;
        clearTimeout(soon); // this event sends the fields too; a search after it would take its undo away
        asked = { ...asked, [key]: button.dataset[name] };
        turning = name === "begin";
        trigger(event_, {});
      }
      if (event.target.closest("[data-unload]")) trigger("unsample", {});
    });
  }

  const arriving = (element, _, watch) => watch("value", () => element.scrollIntoView({ block: "nearest" }));

  function title(element) {
    const named = $("h1", element)?.textContent;
    setTimeout(() => (document.title = `${named} · Byline`), 0);
  }

  // Gradio's upload button says "Drop File Here - or - Click to Upload" and is named otherwise than it reads: a person
  // who speaks to the computer could not press it.
  const DROP = "Drop files here, or click to choose them";
  let looking = false;
  new MutationObserver(() => {
    if (looking) return;
    looking = true;
    requestAnimationFrame(() => {
      looking = false;
      for (const button of $$("button.upload-container")) {
        const said = [...$(".wrap", button)?.childNodes ?? []].filter((node) => node.nodeName === "#text" || node.classList?.contains("or"));
        for (const [at, node] of said.entries()) if (node.textContent !== (at ? "" : DROP)) node.textContent = at ? "" : DROP;
        if (said.length && button.getAttribute("aria-label") !== DROP) button.setAttribute("aria-label", DROP);
      }
    });
  }).observe(document.documentElement, { childList: true, subtree: true });

  return { wanted, finder, rows, title, conversation: conversationPane, reader: readerPane, bar, shelf: shelfPane, limits: limitsPane, plain() {}, arriving, context, askWaiting };
})();
