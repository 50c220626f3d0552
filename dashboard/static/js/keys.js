// Keyboard shortcuts. None fires while somebody types or a dialog is open.
import { openDialog } from "./dialogs.js";

const PLACES = { d: "", i: "invoice/", c: "customer/", p: "payment/", k: "package/" };
let going = 0;

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return submitForm(event);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (Date.now() - going < 1200 && event.key in PLACES) return goTo(event);
    if (event.key === "g") going = Date.now();
    else act(event);
  });
}

function isTyping(target) {
  return target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") || target.closest(".is-editing");
}

function submitForm(event) {
  const form = event.target.closest("form[data-form]") ?? document.querySelector("main form[data-form]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("[data-save]") ?? undefined);
}

function goTo(event) {
  event.preventDefault();
  going = 0;
  const home = new URL(document.querySelector(".brand").href).pathname;
  const link = document.querySelector(`.side a[href="${home}${PLACES[event.key]}"]`);
  link?.click();
}

function act(event) {
  const acts = {
    "?": () => openDialog(document.getElementById("keys")),
    "/": () => document.querySelector("[data-search]")?.focus(),
    n: () => document.querySelector("[data-new]")?.click(),
    j: () => step(1),
    k: () => step(-1),
    x: () => current()?.querySelector("[data-pick]")?.click(),
    e: () => (current() ?? document.querySelector("main"))?.querySelector("[data-row-edit]")?.click(),
    Enter: () => (event.target === document.body || event.target.matches(".scroller, main")) && current()?.querySelector("td.lead a")?.click(),
  };
  const found = acts[event.key]?.();
  if (event.key in acts && event.key !== "Enter" && found !== false) event.preventDefault();
}

const current = () => document.querySelector("tr.is-current");

function step(by) {
  const rows = [...document.querySelectorAll("tbody tr[data-row]")];
  if (!rows.length) return;
  const place = rows.indexOf(current());
  const next = rows[Math.min(rows.length - 1, Math.max(0, place + by))];
  current()?.classList.remove("is-current");
  next.classList.add("is-current");
  next.scrollIntoView({ block: "nearest" });
  if (isInRow(document.activeElement)) document.activeElement.blur();
}

const isInRow = (element) => Boolean(element?.closest("tr[data-row]"));
