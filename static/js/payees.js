// The rows of a batch payout as boxes, over the box of text that the form sends. Without scripts the text is all there is.
(function () {
  "use strict";
  const PLACES = 8;
  const DECIMAL_COMMA = /^\s*[^\s,;]+\s+[0-9]+,[0-9]*\s*$/; // "address 0,5": a wrong amount, not three columns
  const TITLES = /^"?(address|addr)"?\s*([\t;,]|\s|$)/i;

  // --- Lines and rows: row n is line n, so that what the server says of a line stands at its row ---
  function read(line) {
    const divider = DECIMAL_COMMA.test(line) ? "" : ["\t", ";", ","].find((sign) => line.includes(sign));
    const words = divider ? line.split(divider) : line.trim().split(/\s+/);
    const [address, ...rest] = words.map((word) => word.trim().replace(/^"(.*)"$/, "$1"));
    return { address, amount: rest.filter(Boolean).join(" ") };
  }
  const write = ({ address, amount }) => [address, amount].filter(Boolean).join(/[\s,;]/.test(address + amount) ? "\t" : " ");
  const linesOf = (text) => text.replace(/^\ufeff/, "").split(/\r?\n/);

  // --- Exact sums: whole satoshi, never a floating number ---
  function satoshi(text) {
    const found = /^([0-9]{1,8})(?:\.([0-9]{1,8}))?$/.exec(text);
    return found ? BigInt(found[1] + (found[2] ?? "").padEnd(PLACES, "0")) : null;
  }
  function plain(sum) {
    const digits = String(sum).padStart(PLACES + 1, "0");
    const rest = digits.slice(-PLACES).replace(/0+$/, "");
    return digits.slice(0, -PLACES) + (rest ? `.${rest}` : "");
  }

  function start(place) {
    const box = place.querySelector("[data-rows]");
    const template = place.querySelector("template");
    const editor = template.content.firstElementChild.cloneNode(true);
    const [list, total] = [editor.querySelector("[data-list]"), editor.querySelector("[data-total]")];
    const [sample] = list.children;
    const label = place.querySelector(`label[for="${box.id}"]`);
    const help = place.querySelector(".form-text");
    const told = place.querySelectorAll(".invalid-feedback > *");
    let bad = JSON.parse(place.dataset.bad);
    const isTwice = told.length === Object.keys(bad).length; // each stands at its row as well
    sample.remove();

    const boxes = (row) => [row.querySelector("[data-address]"), row.querySelector("[data-amount]")];
    const values = (row) => boxes(row).map((input) => input.value.trim());

    function add({ address = "", amount = "" } = {}, before = null) {
      const row = sample.cloneNode(true);
      const [to, much] = boxes(row);
      [to.value, much.value] = [address, amount];
      list.insertBefore(row, before);
      return row;
    }

    function number() {
      [...list.children].forEach((row, place_) => {
        row.querySelector("[data-line]").textContent = String(place_ + 1);
        const why = bad[place_ + 1];
        const words = row.querySelector("[data-why]");
        words.textContent = why ?? "";
        words.hidden = !why;
        words.id = `${box.id}_why_${place_ + 1}`;
        for (const input of boxes(row)) {
          input.classList.toggle("is-invalid", Boolean(why));
          if (why) input.setAttribute("aria-describedby", words.id);
          else input.removeAttribute("aria-describedby");
        }
      });
    }

    function count() {
      const rows = [...list.children].map(values).filter(([address, amount]) => address || amount);
      const sums = rows.map(([, amount]) => satoshi(amount));
      const words = sums.includes(null) ? place.dataset.partly : place.dataset.whole;
      const sum = plain(sums.reduce((all, one) => all + (one ?? 0n), 0n));
      total.textContent = rows.length ? words.replace("{count}", rows.length).replace("{sum}", sum) : "";
    }

    function toText() {
      const lines = [...list.children].map((row) => {
        const [address, amount] = values(row);
        return write({ address, amount });
      });
      box.value = lines.join("\n").trimEnd();
      count();
    }

    function fromText() {
      list.replaceChildren();
      const lines = linesOf(box.value.trimEnd());
      for (const line of lines) add(TITLES.test(line) ? {} : read(line));
      while (list.children.length < 2) add();
      number();
      count();
    }

    // What was wrong with a line goes with the first change of the lines' order, or of the line itself.
    function changed(row) {
      const line = [...list.children].indexOf(row) + 1;
      if (bad[line]) {
        delete bad[line];
        number();
      }
      toText();
    }
    function moved() {
      bad = {};
      number();
      toText();
    }

    editor.addEventListener("input", (event) => changed(event.target.closest("[data-row]")));
    editor.addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text").trim();
      const row = event.target.closest("[data-row]");
      if (!row || !event.target.matches("[data-address]") || !/[\s;,]/.test(text)) return;
      event.preventDefault();
      const found = linesOf(text).filter((line) => line.trim() && !TITLES.test(line));
      const next = row.nextElementSibling;
      if (values(row).every((value) => !value)) row.remove();
      let last = row;
      for (const line of found) last = add(read(line), next);
      moved();
      boxes(last)[1].focus();
    });
    editor.addEventListener("keydown", (event) => {
      const row = event.target.closest("[data-row]");
      if (event.key !== "Enter" || !row) return;
      event.preventDefault();
      boxes(row.nextElementSibling ?? add())[0].focus();
      number();
    });
    editor.addEventListener("click", (event) => {
      const row = event.target.closest("[data-row]");
      if (event.target.closest("[data-remove]")) {
        const near = row.nextElementSibling ?? row.previousElementSibling ?? add();
        row.remove();
        moved();
        boxes(near)[0].focus();
      } else if (event.target.closest("[data-add]")) {
        const made = add();
        number();
        boxes(made)[0].focus();
      }
    });

    // --- One of the two is seen: the rows, or the text ---
    const toggle = place.querySelector("[data-as-text]");
    function show(asText) {
      box.hidden = !asText;
      editor.hidden = asText;
      toggle.textContent = asText ? place.dataset.asRows : place.dataset.asText;
      help?.classList.toggle("d-none", !asText);
      for (const words of told) words.classList.toggle("d-none", !asText && isTwice);
      if (!asText) fromText();
      const first = list.querySelector("[data-address]");
      first.id = `${box.id}_first`;
      label.htmlFor = asText ? box.id : first.id;
    }
    toggle.addEventListener("click", () => {
      bad = {};
      show(box.hidden);
    });
    document.addEventListener("click", (event) => {
      if (box.hidden && event.target instanceof Element && event.target.closest(`a[href="#${box.id}"]`)) {
        event.preventDefault();
        (list.querySelector(".is-invalid") ?? list.querySelector("[data-address]")).focus();
      }
    });
    box.before(editor);
    toggle.hidden = false;
    show(false);
  }

  for (const place of document.querySelectorAll("[data-payees]")) start(place);
})();
