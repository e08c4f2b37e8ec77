// Small comforts. Every page works without them.
(function () {
  "use strict";
  const closest = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);
  const announce = (text) => {
    const place = document.getElementById("announce");
    if (place) place.textContent = text;
  };

  // --- Copy buttons ---
  async function copied(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }

  document.addEventListener("click", async (event) => {
    const button = closest(event, "[data-copy]");
    if (!button) return;
    await copied(button.dataset.copy);
    button.classList.add("is-copied");
    announce(button.dataset.copied);
    setTimeout(() => button.classList.remove("is-copied"), 1600);
  });

  // --- Theme, folded filters, small menus ---
  document.addEventListener("click", (event) => {
    if (closest(event, "[data-theme-switch]")) {
      window.setTheme(document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark");
    }
    const fold = closest(event, "[data-fold]");
    if (fold) {
      const open = document.getElementById(fold.dataset.fold).classList.toggle("is-open");
      fold.setAttribute("aria-expanded", String(open));
    }
    for (const menu of document.querySelectorAll("details[data-drop][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details[data-drop][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // --- Forms: one click is one send; errors get the focus ---
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-once]")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
    form.classList.add("is-sent");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("[data-sent]")) {
      delete form.dataset.sent;
      form.classList.remove("is-sent");
    }
  });
  document.querySelector("[data-focus]")?.focus();

  // --- Ticking rows of a form: all of them, and how many there are ---
  const ticks = (form) => [...document.querySelectorAll(`input[type="checkbox"][form="${form}"]`)];
  function countTicks() {
    for (const place of document.querySelectorAll("[data-ticked]")) {
      const boxes = ticks(place.dataset.ticked);
      const count = boxes.filter((box) => box.checked).length;
      place.textContent = `${count} ${place.dataset.words}`;
      const all = document.querySelector(`[data-tick="${place.dataset.ticked}"]`);
      all.checked = count > 0 && count === boxes.length;
      all.indeterminate = count > 0 && count < boxes.length;
      for (const button of document.querySelectorAll(`[data-when-ticked="${place.dataset.ticked}"] button`)) {
        button.disabled = count === 0;
      }
    }
  }
  document.addEventListener("change", (event) => {
    const all = closest(event, "[data-tick]");
    if (all) for (const box of ticks(all.dataset.tick)) box.checked = all.checked;
    countTicks();
  });
  document.addEventListener("htmx:afterSwap", countTicks);
  window.addEventListener("pageshow", countTicks);

  // --- Moving a column to the left ---
  document.addEventListener("click", (event) => {
    const item = closest(event, "[data-up]")?.closest("li");
    if (!item || !item.previousElementSibling) return;
    item.previousElementSibling.before(item);
    item.querySelector("[data-up]").focus();
  });

  // --- The search box: "/" leads to it, arrows lead through what it found ---
  const isTyping = (element) => element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
  document.addEventListener("keydown", (event) => {
    const box = document.getElementById("search");
    if (!box) return;
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target)) {
      event.preventDefault();
      box.focus();
      box.select();
      return;
    }
    const search = closest(event, ".search");
    if (!search) return;
    if (event.key === "Escape") {
      closeHits();
      box.blur();
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const stops = [box, ...search.querySelectorAll("#search-hits a")];
    const next = stops[stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  function closeHits() {
    document.getElementById("search-hits")?.replaceChildren();
  }
  document.addEventListener("click", (event) => {
    if (!closest(event, ".search")) closeHits();
  });
  document.addEventListener("input", (event) => {
    if (event.target.id === "search" && !event.target.value.trim()) closeHits();
  });

  // --- What is typed in secret boxes, shown on request ---
  document.addEventListener("change", (event) => {
    const peek = closest(event, "[data-peek]");
    if (!peek) return;
    for (const id of peek.dataset.peek.split(" ")) {
      const box = document.getElementById(id);
      if (box) box.type = peek.checked ? "text" : "password";
    }
  });

  // --- A choice that applies at once ---
  document.addEventListener("change", (event) => closest(event, "select[data-submit]")?.form.requestSubmit());

  // --- A secret on the page: hides itself, and is gone when the page is left ---
  const secrets = () => document.querySelectorAll("[data-secret]");
  function watch() {
    for (const secret of secrets()) {
      if (secret.dataset.watched) continue;
      secret.dataset.watched = "1";
      setTimeout(() => secret.remove(), Number(secret.dataset.secret) * 1000);
      secret.querySelector("[data-focus]")?.focus();
    }
  }
  document.addEventListener("click", (event) => closest(event, "[data-hide]")?.closest("[data-secret]")?.remove());
  document.addEventListener("htmx:afterSwap", watch);
  document.addEventListener("htmx:beforeHistorySave", () => secrets().forEach((secret) => secret.remove()));
  window.addEventListener("pagehide", () => secrets().forEach((secret) => secret.remove()));
  watch();

  // --- htmx ---
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches("[data-tidy]")) return;
    for (const [name, value] of [...event.detail.formData.entries()]) {
      if (value === "") event.detail.formData.delete(name);
    }
  });

  // A page that nobody looks at asks nothing.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.matches("[data-live], [data-live-list]")) event.preventDefault();
    if (event.target.matches("[data-live-list]") && isInUse(event.detail.target)) event.preventDefault();
  });
  // Nor does a list move under somebody who points at it, has ticked rows, or reads in it by keys.
  function isInUse(list) {
    const busy = "#list-head details[open], #list details[open]";
    return (
      list.matches(":hover, :focus-within") || ticks("bulk").some((box) => box.checked) || document.querySelector(busy)
    );
  }

  // A redirect to the login must not land inside the page.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, pathInfo, target } = event.detail;
    const came = xhr.responseURL ? new URL(xhr.responseURL).pathname : "";
    if (came && came !== new URL(pathInfo.requestPath, location.href).pathname) {
      event.detail.shouldSwap = false;
      location.reload();
      return;
    }
    if (target.matches("[data-live]")) remember(target);
    if (target.matches("[data-keep]")) keep(target);
  });

  // What is typed while a form is being drawn anew stays.
  let typed = new Map();
  const texts = "input:not([type=hidden]):not([type=checkbox]):not([type=radio]), textarea";
  function keep(form) {
    typed = new Map([...form.querySelectorAll(texts)].filter((box) => box.id).map((box) => [box.id, box.value]));
  }

  let opened = [];
  let said = "";
  function remember(live) {
    opened = [...live.querySelectorAll("details[id][open]")].map((item) => item.id);
    said = live.dataset.announce;
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const id of opened) {
      const item = document.getElementById(id);
      if (item) item.open = true;
    }
    opened = [];
    for (const [id, text] of typed) {
      const box = document.getElementById(id);
      if (box && box.value !== text) box.value = text;
    }
    typed.clear();
    const found = document.querySelector("#search-hits[data-announce]");
    if (event.target.id === "search-hits" && found) announce(found.dataset.announce);
    const live = document.querySelector("[data-live]");
    if (live && said && live.dataset.announce !== said) {
      announce(live.dataset.announce);
      // What was said when the page came is history now.
      for (const old of document.querySelectorAll("#content > .notice-ok, #content > .notice-info")) old.remove();
    }
    said = "";
  });

  const trouble = (is) => {
    const place = document.getElementById("trouble");
    if (place) place.hidden = !is;
  };
  document.addEventListener("htmx:sendError", () => trouble(true));
  document.addEventListener("htmx:responseError", () => trouble(true));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) trouble(false);
  });
})();
