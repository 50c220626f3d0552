// Native dialogs: focus goes back where it came from, Esc closes, and questions come before what can't be undone.
import { UNREACHABLE, announce, isSignedOut, onContent, said, within } from "./page.js";
import { focusEmpty, focusQuietly } from "./fresh.js";
import { toast } from "./toasts.js";
import { signIn } from "./sign-in.js";

export function openDialog(dialog) {
  if (dialog.open) return;
  const from = document.activeElement;
  dialog.addEventListener("close", () => { if (from?.isConnected) from.focus(); }, { once: true });
  dialog.showModal();
}

/** Ask; resolves to true when the answer is yes. */
export function ask(question, { label = "Yes", danger = false, title = "Are you sure?" } = {}) {
  const dialog = document.getElementById("confirm");
  const yes = dialog.querySelector("[data-yes]");
  dialog.querySelector("#confirm-title").textContent = title;
  dialog.querySelector("#confirm-text").textContent = question;
  yes.textContent = label;
  yes.className = `btn ${danger ? "btn-danger" : "btn-primary"}`;
  dialog.returnValue = "";
  openDialog(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Fetch a form or a page part into #modal and open it. */
export async function openModal(url, { body = null, method = body ? "POST" : "GET" } = {}) {
  let response;
  try {
    response = await fetch(url, { method, body, headers: { "HX-Request": "true", "X-Modal": "1" } });
  } catch {
    return toast(UNREACHABLE, "bad");
  }
  if (isSignedOut(response)) return (await signIn()) ? openModal(url, { body, method }) : undefined;
  if (!response.ok && response.status !== 422) return toast(await said(response), "bad");
  showModal(await response.text());
}

export function showModal(html) {
  const dialog = document.getElementById("modal");
  const content = dialog.querySelector("#modal-content");
  content.innerHTML = html;
  announce(content);
  openDialog(dialog);
  const errors = content.querySelector("[data-errors]");
  if (errors) return errors.focus();
  const first = content.querySelector("input:not([type=hidden], [disabled]), select:not([disabled]), textarea");
  if (!focusEmpty(content) && first) focusQuietly(first);
}

export function startDialogs() {
  onContent((root) => {
    for (const dialog of within(root, "dialog:not([data-ready])")) {
      dialog.dataset.ready = "1";
      let pressedOutside = false;
      dialog.addEventListener("pointerdown", (event) => { pressedOutside = event.target === dialog && !dialog.querySelector("[data-form]"); });
      dialog.addEventListener("click", (event) => { if (pressedOutside && event.target === dialog) dialog.close(""); });
    }
  });
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit, true);
  document.addEventListener("keydown", closeMenusOnEscape);
}

function onClick(event) {
  const opener = event.target.closest("[data-dialog]");
  if (opener) openDialog(document.getElementById(opener.dataset.dialog));
  const modal = event.target.closest("[data-modal]");
  if (modal) {
    event.preventDefault();
    openModal(modal.dataset.modal || modal.href);
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close("");
  if (event.target.closest("[data-back]")) history.back();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target) && event.target.isConnected) menu.open = false;
  }
}

// Captured before every other listener: a form with data-confirm goes on only after a yes.
async function onSubmit(event) {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || form.dataset.confirmed) return delete form.dataset.confirmed;
  event.preventDefault();
  event.stopImmediatePropagation();
  const source = event.submitter?.dataset.confirm ? event.submitter.dataset : form.dataset;
  const label = source.confirmLabel ?? event.submitter?.textContent.trim() ?? "Yes";
  const submitter = event.submitter;
  if (await ask(question, { label, danger: source.confirmDanger !== undefined })) {
    form.dataset.confirmed = "1";
    form.requestSubmit(submitter ?? undefined);
  }
}

function closeMenusOnEscape(event) {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
}
