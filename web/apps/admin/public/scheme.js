// Sets the colour scheme before the first paint: the one that was chosen, else the system's.
(function () {
  var chosen = null;
  try {
    chosen = window.localStorage.getItem("sbs.scheme");
  } catch {
    // Storage may be forbidden: then the system decides.
  }
  var dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  var scheme = chosen === "light" || chosen === "dark" ? chosen : dark ? "dark" : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();
