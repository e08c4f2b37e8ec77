// How much time is left until a moment, told every second. Without scripts it says what was left when the page came.
(function () {
  "use strict";
  function tell() {
    for (const place of document.querySelectorAll("[data-until]")) {
      const left = Math.floor((Date.parse(place.dateTime) - Date.now()) / 1000);
      const parts = { h: Math.floor(left / 3600), m: Math.floor((left % 3600) / 60), s: left % 60 };
      const words = place.dataset.until.replace(/\{([hms])\}/g, (_all, name) => String(parts[name]).padStart(2, "0"));
      place.textContent = left > 0 ? words : place.dataset.over;
    }
  }
  tell();
  setInterval(tell, 1000);
})();
