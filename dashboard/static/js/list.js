// Lists: everything that narrows or orders one goes through its URL; rows are picked here and acted on together.
import { UNREACHABLE, announce, isSignedOut, onContent, parse, said, within } from "./page.js";
import { signIn } from "./sign-in.js";
import { startBulk } from "./bulk.js";
import { toast } from "./toasts.js";

const CURSORS = ["after", "before", "last"];
let pending;

/** Show the list at a changed URL. `change` edits the URL's parameters. */
export async function visit(change, { replace = false } = {}) {
  const url = new URL(location.href);
  change(url.searchParams);
  for (const name of CURSORS) url.searchParams.delete(name);
  pending?.abort();
  pending = new AbortController();
  const list = document.getElementById("list");
  list.classList.add("htmx-request");
  let response;
  try {
    response = await fetch(url, { headers: { "HX-Request": "true", "HX-Target": "list" }, signal: pending.signal });
  } catch (error) {
    if (error.name === "AbortError") return;
    list.classList.remove("htmx-request");
    return toast(UNREACHABLE, "bad");
  }
  if (isSignedOut(response)) return (await signIn()) ? visit(change, { replace }) : undefined;
  const copy = response.clone();
  const fresh = parse(await response.text()).getElementById("list");
  if (!fresh) {
    list.classList.remove("htmx-request");
    return toast((await said(copy)) || "The list could not be read.", "bad");
  }
  history[replace ? "replaceState" : "pushState"]({ htmx: true }, "", url);
  document.getElementById("list").replaceWith(fresh);
  announce(fresh);
}

export function startLists() {
  const page = document.querySelector("[data-list-page]");
  if (!page) return;
  startSearch(page);
  startColumns(page);
  startBulk();
  onContent((root) => {
    for (const size of within(root, "[data-size]")) {
      size.addEventListener("change", () => visit((query) => query.set("size", size.value)));
    }
    if (within(root, "[data-list]").length) {
      followUrl(page);
      showTab(page);
    }
  });
}

// On a narrow screen the tabs scroll: the one that is open is in sight.
function showTab(page) {
  const tabs = page.querySelector(".tabs");
  const open = tabs?.querySelector("[aria-current]");
  if (open) tabs.scrollLeft = open.offsetLeft - (tabs.clientWidth - open.offsetWidth) / 2;
}

// The heading's own links and the search box stand outside the part that is swapped.
function followUrl(page) {
  const here = new URLSearchParams(location.search);
  for (const link of page.querySelectorAll("[data-export]")) {
    for (const name of CURSORS) here.delete(name);
    link.search = here.toString();
  }
  const refresh = page.querySelector("[data-refresh]");
  if (refresh) refresh.href = location.href;
  const box = page.querySelector("[data-search]");
  if (box && document.activeElement !== box) box.value = here.get("search") ?? "";
}

function startSearch(page) {
  const box = page.querySelector("[data-search]");
  if (!box) return;
  let timer;
  let shown = box.value;
  const go = () => {
    clearTimeout(timer);
    if (box.value.trim() === shown.trim()) return;
    shown = box.value;
    visit((query) => (box.value.trim() ? query.set("search", box.value.trim()) : query.delete("search")));
  };
  box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(go, 250); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") go();
    if (event.key === "Escape" && !box.value) box.blur();
  });
}

// Which columns to show stands in the URL and is remembered on this computer for the next visit.
function startColumns(page) {
  const set = page.querySelector("[data-columns]");
  const key = "columns:" + location.pathname;
  const boxes = [...set.querySelectorAll("input")];
  const remembered = localStorage.getItem(key);
  if (remembered && !new URLSearchParams(location.search).has("columns")) {
    const names = remembered.split(",");
    for (const box of boxes) box.checked = names.includes(box.value);
    visit((query) => query.set("columns", remembered), { replace: true });
  }
  set.addEventListener("change", (event) => {
    const names = boxes.filter((box) => box.checked).map((box) => box.value);
    if (!names.length) return void (event.target.checked = true);
    localStorage.setItem(key, names.join(","));
    visit((query) => query.set("columns", names.join(",")));
  });
  page.querySelector("[data-columns-reset]").addEventListener("click", () => {
    localStorage.removeItem(key);
    const url = new URL(location.href);
    url.searchParams.delete("columns");
    location.assign(url);
  });
}
