// Editing a cell in place: Enter saves, Esc puts it back, Tab saves and goes on to the next one.
import { UNREACHABLE, announce, csrfToken, isSignedOut, parse, said } from "./page.js";
import { enhance } from "./select.js";
import { signIn } from "./sign-in.js";
import { toast } from "./toasts.js";

export function startCells() {
  document.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-edit]");
    if (cell) edit(cell);
  });
}

const NUMBERS = new Set(["money", "number", "percent"]);

function control(cell) {
  const { kind, value, choices, lookup } = cell.dataset;
  if (choices || kind === "bool" || lookup) {
    const select = document.createElement("select");
    select.className = "form-select";
    const pairs = choices ? JSON.parse(choices) : lookup ? [["", ""], [value, cell.textContent.trim()]] : [["yes", "Yes"], ["no", "No"]];
    for (const [key, label] of Array.isArray(pairs) ? pairs : Object.entries(pairs)) select.add(new Option(label, key, false, key === value));
    if (lookup) Object.assign(select.dataset, { select: "remote", searchUrl: lookup });
    return select;
  }
  const input = document.createElement("input");
  input.className = "form-control" + (NUMBERS.has(kind) ? " numeric" : "");
  input.type = kind === "date" ? "date" : "text";
  if (NUMBERS.has(kind)) input.inputMode = "decimal";
  input.value = value;
  return input;
}

async function edit(cell) {
  const td = cell.closest("td");
  if (td.classList.contains("is-editing")) return;
  const input = control(cell);
  input.setAttribute("aria-label", td.dataset.label ?? cell.dataset.edit);
  td.style.width = `${td.offsetWidth}px`;
  cell.hidden = true;
  td.classList.add("is-editing");
  td.append(input);
  input.focus();
  await enhance(td);
  (input.tomselect ?? input).focus();
  input.select?.();
  const session = { cell, td, input, over: false };
  td.addEventListener("keydown", (session.onKey = (event) => onKey(event, session)));
  td.addEventListener("focusout", (session.onLeave = () => setTimeout(() => onLeave(session))));
  if (input.tagName === "SELECT") input.addEventListener("change", () => save(session, { stay: true }));
}

function onLeave(session) {
  const now = document.activeElement;
  if (session.over || session.td.contains(now) || now?.closest(".ts-dropdown") || document.querySelector("dialog[open]")) return;
  save(session);
}

function onKey(event, session) {
  if (session.over) return;
  if (event.key === "Escape") {
    event.stopPropagation();
    close(session);
    session.cell.focus();
  } else if (event.key === "Enter" && session.input.tagName !== "SELECT") {
    event.preventDefault();
    save(session, { stay: true });
  } else if (event.key === "Tab") {
    event.preventDefault();
    save(session, { step: event.shiftKey ? -1 : 1 });
  }
}

function close(session) {
  session.over = true;
  session.td.removeEventListener("keydown", session.onKey);
  session.td.removeEventListener("focusout", session.onLeave);
  session.input.tomselect?.destroy();
  session.input.remove();
  session.td.querySelector(".cell-error")?.remove();
  session.td.classList.remove("is-editing", "is-saving");
  session.cell.hidden = false;
  session.td.style.width = "";
}

async function save(session, { step = 0, stay = false } = {}) {
  const { cell, td, input } = session;
  if (session.saving || session.over) return;
  if (input.value === cell.dataset.value) {
    close(session);
    if (step) move(cell, step);
    else if (stay) cell.focus();
    return;
  }
  session.saving = true;
  td.classList.add("is-saving");
  td.setAttribute("aria-busy", "true");
  const row = td.closest("tr");
  const response = await post(cell, row, input.value);
  session.saving = false;
  td.classList.remove("is-saving");
  td.removeAttribute("aria-busy");
  if (!response) return;
  if (isSignedOut(response)) return (await signIn()) ? save(session, { step, stay }) : undefined;
  if (!response.ok) return refuse(session, (await said(response)) || "This could not be saved.");
  session.over = true;
  const fresh = replaceRow(row, await response.text());
  const again = fresh?.querySelector(`[data-edit="${CSS.escape(cell.dataset.edit)}"]`);
  again?.closest("td").classList.add("is-saved");
  if (step && again) move(again, step);
  else if (stay) again?.focus();
}

async function post(cell, row, value) {
  const body = new URLSearchParams({ list_form_pk: row.dataset.row, [cell.dataset.edit]: value, version: cell.dataset.version, csrf_token: csrfToken() });
  const url = cell.closest("[data-list]").dataset.base + "ajax/update/" + location.search;
  try {
    return await fetch(url, { method: "POST", body, headers: { "HX-Request": "true", "X-CSRFToken": csrfToken() } });
  } catch {
    toast(UNREACHABLE, "bad");
    return null;
  }
}

function refuse({ td, input }, text) {
  td.querySelector(".cell-error")?.remove();
  const error = document.createElement("div");
  error.className = "cell-error";
  error.id = "cell-error";
  error.setAttribute("role", "alert");
  error.textContent = text;
  td.append(error);
  const target = input.tomselect?.control_input ?? input;
  target.setAttribute("aria-invalid", "true");
  target.setAttribute("aria-describedby", "cell-error");
  target.focus();
}

// The server answers with the whole row: other cells may follow from this one.
function replaceRow(row, html) {
  const fresh = parse(`<table><tbody>${html}</tbody></table>`).querySelector("tr[data-row]");
  if (!fresh) return row;
  const picked = row.querySelector("[data-pick]")?.checked;
  row.replaceWith(fresh);
  if (picked) {
    fresh.querySelector("[data-pick]").checked = true;
    fresh.classList.add("is-picked");
  }
  announce(fresh);
  return fresh;
}

function move(from, step) {
  const all = [...from.closest("table").querySelectorAll("[data-edit]")].filter((one) => one.checkVisibility());
  const next = all[all.indexOf(from) + step];
  if (next) edit(next);
  else from.focus();
}
