// The list that opens under a Package field: one for the whole page, filled from the server as somebody types.
import { UNREACHABLE, isSignedOut } from "../page.js";
import { signIn } from "../sign-in.js";
import { toast } from "../toasts.js";

const PAUSE = 150;
const answers = new Map();
let owner = null;
let options = [];
let active = -1;
let timer = 0;
let asked = 0;

const list = () => document.getElementById("package-list");
export const isOpen = (input) => owner === input;

/** Packages that match, as [{value, text, note}]; null where the server could not say. */
export async function find(base, customer, words) {
  const url = `${base}ajax/lookup/?${new URLSearchParams({ q: words, customer })}`;
  if (answers.has(url)) return answers.get(url);
  const response = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
  if (response && isSignedOut(response)) return (await signIn()) ? find(base, customer, words) : null;
  if (!response?.ok) {
    toast(UNREACHABLE, "bad");
    return null;
  }
  const { results } = await response.json();
  answers.set(url, results);
  return results;
}

/** Open under `input` with what matches `words`. */
export function open(input, base, customer, words) {
  if (input.readOnly) return;
  if (owner !== input) close();
  owner = input;
  input.setAttribute("aria-expanded", "true");
  clearTimeout(timer);
  const turn = ++asked;
  timer = setTimeout(async () => {
    const found = await find(base, customer, words);
    if (turn === asked && owner === input && found) show(input, found);
  }, words ? PAUSE : 0);
}

export function close() {
  clearTimeout(timer);
  asked += 1;
  if (!owner) return;
  owner.setAttribute("aria-expanded", "false");
  owner.removeAttribute("aria-activedescendant");
  owner = null;
  if (list()?.matches(":popover-open")) list().hidePopover();
}

function show(input, found) {
  const box = list();
  options = found;
  active = -1;
  // Inside an open dialog, or the dialog would keep it out of reach.
  const place = input.closest("dialog") ?? document.getElementById("main");
  if (box.parentElement !== place) place.append(box);
  box.replaceChildren(...(found.length ? found.map(row) : [nothing()]));
  if (!box.matches(":popover-open")) box.showPopover();
  stand(box, input);
}

function row(option, at) {
  const item = document.createElement("li");
  item.id = `package-option-${at}`;
  item.className = "option";
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  item.textContent = option.text;
  item.dataset.at = String(at);
  if (option.note) {
    const note = document.createElement("small");
    note.textContent = option.note;
    item.append(note);
  }
  return item;
}

function nothing() {
  const item = document.createElement("li");
  item.className = "no-results";
  item.setAttribute("role", "option");
  item.setAttribute("aria-disabled", "true");
  item.textContent = "Nothing found";
  return item;
}

// Under the field, or above it where there is more room.
function stand(box, input) {
  const { left, top, bottom, width } = input.getBoundingClientRect();
  const wide = Math.min(Math.max(width, 260), innerWidth - 16);
  box.style.width = `${wide}px`;
  box.style.left = `${Math.max(8, Math.min(left, innerWidth - wide - 8))}px`;
  const below = innerHeight - bottom - 12;
  const up = below < 180 && top > below;
  box.style.maxHeight = `${Math.min(280, up ? top - 12 : below)}px`;
  box.style.top = up ? "auto" : `${bottom + 2}px`;
  box.style.bottom = up ? `${innerHeight - top + 2}px` : "auto";
}

export function step(by) {
  if (!options.length) return;
  active = active < 0 && by < 0 ? options.length - 1 : (active + by + options.length) % options.length;
  [...list().children].forEach((item, at) => {
    item.classList.toggle("active", at === active);
    item.setAttribute("aria-selected", String(at === active));
    if (at === active) item.scrollIntoView({ block: "nearest" });
  });
  owner.setAttribute("aria-activedescendant", `package-option-${active}`);
}

/** What the keyboard stands on. */
export const picked = () => options[active] ?? null;
/** The one option left, where there is one. */
export const only = () => (options.length === 1 ? options[0] : null);
/** The option with exactly this name among those shown last. */
export const named = (text) => options.find((option) => option.text.toLowerCase() === text.toLowerCase());

/** Tell `choose` which option was pressed. */
export function startPackageList(choose) {
  const box = list();
  // The field keeps the focus.
  box.addEventListener("pointerdown", (event) => event.preventDefault());
  box.addEventListener("mousedown", (event) => event.preventDefault());
  box.addEventListener("click", (event) => {
    const item = event.target.closest("[data-at]");
    if (item && owner) choose(owner, options[Number(item.dataset.at)]);
  });
  addEventListener("scroll", (event) => { if (owner && event.target !== list()) stand(list(), owner); }, { capture: true, passive: true });
}
