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

  // --- htmx ---
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches("[data-tidy]")) return;
    for (const [name, value] of [...event.detail.formData.entries()]) {
      if (value === "") event.detail.formData.delete(name);
    }
  });

  // Fields that are drawn anew keep what was typed while the server was drawing.
  const fieldsOf = (place) => place.querySelectorAll("input[name], select[name], textarea[name]");
  const sameField = (place, field) =>
    [...fieldsOf(place)].find(
      (other) => other.name === field.name && (!isTick(field) || other.value === field.value),
    );
  const isTick = (field) => field.type === "checkbox" || field.type === "radio";
  let asked = null;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.matches("[data-redraw]")) return;
    asked = new Map([...fieldsOf(event.target)].map((field) => [field, isTick(field) ? field.checked : field.value]));
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target } = event.detail;
    if (!target.matches("[data-redraw]") || !asked) return;
    const focused = document.activeElement;
    const typed = [...asked].filter(([field, was]) => (isTick(field) ? field.checked : field.value) !== was);
    asked = null;
    const keep = () => {
      const place = document.getElementById(target.id);
      for (const [field] of typed) {
        const fresh = sameField(place, field);
        if (fresh && isTick(fresh)) fresh.checked = field.checked;
        else if (fresh) fresh.value = field.value;
      }
      if (focused && target.contains(focused) && focused.name) sameField(place, focused)?.focus();
    };
    document.addEventListener("htmx:afterSwap", keep, { once: true });
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
  });

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
