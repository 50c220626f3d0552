// The menu: a drawer on a phone, narrow or wide on a desk. And the choice of light or dark.

export function startDrawer() {
  const shell = document.querySelector(".shell");
  if (!shell) return;
  startPhoneDrawer(shell);
  startWidth(shell);
  startTheme();
}

function startPhoneDrawer(shell) {
  const side = document.getElementById("side");
  const button = document.querySelector("[data-drawer]");
  const frame = document.getElementById("frame");
  const set = (open) => {
    shell.classList.toggle("side-open", open);
    button.setAttribute("aria-expanded", String(open));
    frame.inert = open;
    if (open) side.querySelector("a").focus();
    else button.focus();
  };
  button.addEventListener("click", () => set(true));
  shell.addEventListener("click", (event) => {
    if (shell.classList.contains("side-open") && (event.target === shell || event.target.closest("[data-dialog]"))) set(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && shell.classList.contains("side-open")) set(false);
  });
  matchMedia("(min-width: 901px)").addEventListener("change", (query) => {
    if (query.matches && shell.classList.contains("side-open")) set(false);
  });
}

function startWidth(shell) {
  const button = document.querySelector("[data-side-toggle]");
  const set = (slim) => {
    shell.classList.toggle("side-slim", slim);
    document.documentElement.classList.toggle("wants-slim", slim);
    button.setAttribute("aria-pressed", String(slim));
  };
  set(document.documentElement.classList.contains("wants-slim"));
  button.addEventListener("click", () => {
    const slim = !shell.classList.contains("side-slim");
    set(slim);
    localStorage.setItem("side", slim ? "slim" : "wide");
  });
}

function startTheme() {
  const buttons = [...document.querySelectorAll("[data-theme-choice]")];
  const show = () => {
    const choice = localStorage.getItem("theme") ?? "system";
    for (const one of buttons) one.setAttribute("aria-pressed", String(one.dataset.themeChoice === choice));
  };
  for (const one of buttons) {
    one.addEventListener("click", () => {
      localStorage.setItem("theme", one.dataset.themeChoice);
      document.dispatchEvent(new Event("theme:changed"));
      show();
    });
  }
  show();
}
