// Runs before the first paint, as a classic script: a page that is dark must not flash white.
const { documentElement } = document;
try {
  const chosen = localStorage.getItem("hiqlite.theme");
  if (chosen === "light" || chosen === "dark") {
    documentElement.dataset["theme"] = chosen;
  }
} catch {
  // Storage is turned off: the system's theme it is.
}
