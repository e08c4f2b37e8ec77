// Before the first paint: the chosen theme, and the mark that scripts run. The server writes light and dark itself.
(function () {
  "use strict";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    var found = /(?:^|; )theme=(light|dark|system)/.exec(document.cookie);
    return found ? found[1] : root.dataset.bsTheme || "system";
  }
  var choice = chosen();
  function paint() {
    root.dataset.bsTheme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
  }
  root.classList.add("js");
  paint();
  dark.addEventListener("change", paint);
  window.setTheme = function (next) {
    choice = next;
    document.cookie = "theme=" + next + "; path=/; max-age=31536000; samesite=lax" + (location.protocol === "https:" ? "; secure" : "");
    paint();
  };
})();
