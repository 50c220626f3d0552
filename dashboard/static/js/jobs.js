// The drawer of jobs: open where this tab left it open, asked again while something runs, and a message when a
// job has ended, on whichever page the reader is by then.
import { csrfToken, isSignedOut } from "./page.js";
import { toast } from "./toasts.js";

const KEPT = "jobs";
const OPEN_MS = 1500;
const CLOSED_MS = 3000;
const FAULT_MS = 15000;
const root = document.documentElement;
let timer = 0;
let held = null;
let came = false;
let pending = 0;

const isOpen = () => root.classList.contains("wants-jobs");
const list = () => document.getElementById("jobs");
const live = () => Number(list().querySelector("[data-live]")?.dataset.live ?? 0);

export function startJobs() {
  const button = document.querySelector("[data-jobs]");
  if (!button || !list()) return;
  button.setAttribute("aria-expanded", String(isOpen()));
  button.addEventListener("click", () => set(button, !isOpen()));
  document.querySelector("[data-jobs-close]").addEventListener("click", () => set(button, false));
  document.addEventListener("keydown", (event) => closeOnEscape(event, button), true);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  list().addEventListener("htmx:configRequest", (event) => { event.detail.parameters.set("open", isOpen() ? "1" : ""); });
  list().addEventListener("htmx:beforeSwap", (event) => {
    came = event.detail.shouldSwap;
    held = document.activeElement?.closest("#jobs [id]")?.id ?? null;
  });
  // Said once for each element that came.
  list().addEventListener("htmx:afterSettle", () => { clearTimeout(pending); pending = setTimeout(arrived); });
  // A server that does not answer is left alone for a while; a click that came too late shows how it stands.
  list().addEventListener("htmx:afterRequest", (event) => { if (!came) later(event.detail.elt === list() ? FAULT_MS : 300); });
}

function set(button, open) {
  root.classList.toggle("wants-jobs", open);
  button.setAttribute("aria-expanded", String(open));
  sessionStorage.setItem(KEPT, open ? "open" : "");
  if (open) document.getElementById("jobs-title").focus();
  else button.focus();
  look();
}

// Esc belongs to what is on top: a dialog, a menu, a cell that is being edited.
function closeOnEscape(event, button) {
  if (event.key !== "Escape" || event.defaultPrevented || !isOpen() || document.querySelector("dialog[open], details.menu[open]")) return;
  const at = document.activeElement;
  if (at === document.body || at === button || at.closest("#jobs-drawer")) set(button, false);
}

// A hidden tab asks nothing; it looks when it is seen again.
function look() {
  clearTimeout(timer);
  came = false;
  if (!document.hidden) document.body.dispatchEvent(new Event("jobs"));
}

function later(wait) {
  clearTimeout(timer);
  timer = setTimeout(look, wait);
}

function arrived() {
  keepFocus();
  clearTimeout(timer);
  if (live()) later(isOpen() ? OPEN_MS : CLOSED_MS);
  tell([...list().querySelectorAll("[data-untold]")].map((one) => one.dataset.untold));
}

// What had the focus may be gone, as a Cancel is after it was pressed: then its job has it, or the heading.
function keepFocus() {
  if (!held || document.activeElement !== document.body) return;
  const job = held.match(/^job-(?:item-)?(\d+)/)?.[1];
  const next = document.getElementById(held) ?? document.getElementById(`job-item-${job}`) ?? document.getElementById("jobs-title");
  next.focus({ preventScroll: true });
}

// The server says of which of them nobody was told yet, so that each is told once, in whichever tab.
async function tell(ids) {
  if (!ids.length) return;
  const body = new URLSearchParams(ids.map((id) => ["id", id]));
  let response;
  try {
    response = await fetch(list().dataset.told, { method: "POST", body, headers: { "X-CSRFToken": csrfToken(), "X-Requested-With": "fetch", "X-Background": "1" } });
  } catch { return; }
  if (isSignedOut(response) || !response.ok) return;
  for (const job of (await response.json()).jobs) {
    toast(job.text, job.tone, { label: job.label, run: () => { location.href = job.href; } });
  }
}
