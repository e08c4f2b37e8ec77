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

  // --- Ticking all rows of a form ---
  document.addEventListener("change", (event) => {
    const all = closest(event, "[data-tick]");
    if (!all) return;
    for (const box of document.querySelectorAll(`input[type="checkbox"][form="${all.dataset.tick}"]`)) {
      box.checked = all.checked;
    }
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
    if (document.hidden && event.target.matches("[data-live]")) event.preventDefault();
  });

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
  document.addEventListener("htmx:afterSwap", () => {
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
    const live = document.querySelector("[data-live]");
    if (live && said && live.dataset.announce !== said) announce(live.dataset.announce);
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
