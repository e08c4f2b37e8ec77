// Card numbers and voucher codes never leave a search box: backoffice/kit/typed.py says the same on the server.
(function () {
  "use strict";
  const LETTER = "(?<![\\p{L}\\p{N}])";
  const END = "(?![\\p{L}\\p{N}])";
  const DIGITS = new RegExp(`${LETTER}[0-9]+(?:[ .\\-][0-9]+)*${END}`, "gu");
  const GROUPS = new RegExp(`${LETTER}[0-9A-Za-z]{4}(?:([ \\-])[0-9A-Za-z]{4}){3}${END}`, "gu");
  // Still being typed: more digits than a search needs, or two groups of a code.
  const BEGUN = new RegExp(`${LETTER}(?:[0-9][ .\\-]?){9,}|${LETTER}[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-`, "u");
  const REFERENCE = /^(?:2[0-9]|[34][0-9])(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])/;

  // What documents and messengers make of a code that is copied from them: other hyphens, hidden signs, wide gaps.
  function plain(typed) {
    const text = typed.normalize("NFKC").replace(/[\u00ad\u200b-\u200f\u2060\ufeff]/g, "");
    return text.replace(/[\u2010-\u2015\u2212]/g, "-").replace(/\s+/g, " ");
  }

  function passesLuhn(digits) {
    let total = 0;
    [...digits].reverse().forEach((digit, place) => {
      const value = Number(digit) * (1 + (place % 2));
      total += value > 9 ? value - 9 : value;
    });
    return total % 10 === 0;
  }

  function isReference(digits) {
    const hour = Number(digits.slice(6, 8));
    return digits.length === 18 && REFERENCE.test(digits) && hour < 24 && digits[8] < "6" && digits[10] < "6";
  }

  function holdsCard(groups) {
    return groups.some((_group, start) => {
      let number = "";
      return groups.slice(start).some((group) => {
        number += group;
        return number.length >= 13 && number.length <= 19 && passesLuhn(number) && !isReference(number);
      });
    });
  }

  function isSecret(typed) {
    const text = plain(typed);
    for (const found of text.matchAll(GROUPS)) if (found[1] === "-" || /[0-9]/.test(found[0])) return true;
    for (const found of text.matchAll(DIGITS)) if (holdsCard(found[0].split(/[ .\-]/))) return true;
    return false;
  }

  const mayBecome = (typed) => BEGUN.test(plain(typed)) && !REFERENCE.test(typed.trim());
  const boxes = (form) => [...form.querySelectorAll("input[type=search], input[type=text]")];

  // A form is asked here before anything of it is sent. `whole`: the person has finished typing.
  function holdsBack(form, whole) {
    let held = false;
    for (const box of boxes(form)) {
      const secret = isSecret(box.value);
      tell(box, secret ? form.dataset.guard : "");
      held = held || secret || (!whole && mayBecome(box.value));
    }
    return held;
  }

  function tell(box, words) {
    const id = `${box.id}-refused`;
    let place = document.getElementById(id);
    if (!words) {
      if (place) place.remove();
      box.removeAttribute("aria-invalid");
      return;
    }
    if (!place) {
      place = document.createElement("p");
      place.id = id;
      place.className = "field-error";
      place.setAttribute("role", "alert");
      box.after(place);
    }
    box.setAttribute("aria-invalid", "true");
    place.textContent = words;
  }

  document.addEventListener(
    "submit",
    (event) => {
      if (!event.target.matches("form[data-guard]") || !holdsBack(event.target, true)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
  document.addEventListener("htmx:confirm", (event) => {
    const form = event.target.closest ? event.target.closest("form[data-guard]") : null;
    const cause = event.detail.triggeringEvent;
    if (form && holdsBack(form, Boolean(cause && cause.type === "submit"))) event.preventDefault();
  });
})();
