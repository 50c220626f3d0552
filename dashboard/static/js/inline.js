// Rows of a record inside its owner's form: add from the template, remove, and keep the numbers in order.
import { announce, onContent, within } from "./page.js";

export function startInline() {
  onContent((root) => {
    for (const set of within(root, "[data-inline]")) watch(set);
  });
}

function watch(set) {
  const rows = set.querySelector("[data-inline-rows]");
  let next = rows.childElementCount;
  set.querySelector("[data-inline-add]").addEventListener("click", () => {
    const holder = document.createElement("div");
    holder.innerHTML = set.querySelector("[data-inline-template]").innerHTML.replaceAll("__index__", String(next++));
    const row = holder.firstElementChild;
    rows.append(row);
    renumber(rows);
    announce(row);
    row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    changed(set);
  });
  set.addEventListener("click", (event) => {
    const row = event.target.closest("[data-inline-remove]")?.closest("[data-inline-row]");
    if (!row) return;
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    renumber(rows);
    (neighbour?.querySelector("[data-inline-remove]") ?? set.querySelector("[data-inline-add]")).focus();
    changed(set);
  });
}

const changed = (set) => set.dispatchEvent(new Event("change", { bubbles: true }));

function renumber(rows) {
  [...rows.children].forEach((row, place) => {
    row.querySelector("[data-inline-number]").textContent = String(place + 1);
  });
}
