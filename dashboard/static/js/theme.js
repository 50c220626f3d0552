// Runs before the first paint: the colours and the width of the menu that this person chose here.
(function () {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function read(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  }
  function paint() {
    const choice = read("theme");
    const wanted = choice === "light" || choice === "dark" ? choice : dark.matches ? "dark" : "light";
    root.setAttribute("data-bs-theme", wanted);
  }
  paint();
  dark.addEventListener("change", paint);
  addEventListener("storage", paint);
  document.addEventListener("theme:changed", paint);
  if (read("side") === "slim") root.classList.add("wants-slim");
  // The drawer of jobs stays open while this tab moves about.
  try { if (sessionStorage.getItem("jobs") === "open") root.classList.add("wants-jobs"); } catch { /* closed, then */ }
})();
