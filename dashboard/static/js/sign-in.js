// A session that ended while a page was open: the sign-in form comes to the page, and what was pending goes on.
import { parse, setCsrfToken, announce } from "./page.js";
import { toast } from "./toasts.js";

const LOGIN = "/login";
let waiting = null;

/** Resolves to true once somebody is signed in again, to false when the dialog was closed. */
export function signIn() {
  waiting ??= begin().finally(() => { waiting = null; });
  return waiting;
}

async function begin() {
  const dialog = document.getElementById("sign-in");
  if (!dialog) {
    location.assign(LOGIN + "?next=" + encodeURIComponent(location.pathname + location.search));
    return false;
  }
  const response = await fetch(LOGIN, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!response) return false;
  const page = parse(await response.text());
  if (refused(response, page)) return false;
  if (adopt(page)) return true;
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("input:not([type=hidden])")?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("signed-in", () => { resolve(true); dialog.close(); }, { once: true });
    dialog.addEventListener("close", () => resolve(false), { once: true });
  });
}

// Too many tries, or a fault: said as a message, and the step stays.
function refused(response, page) {
  const text = page.querySelector("[data-error] [data-error-text]");
  if (response.ok || !text) return false;
  toast(text.textContent.trim(), "bad");
  return true;
}

// Shows the page's sign-in step; true where the page has none, because somebody is signed in.
function adopt(page) {
  const step = page.querySelector("form[data-auth-form]");
  if (!step) {
    const token = page.querySelector('meta[name="csrf-token"]')?.content;
    if (token) setCsrfToken(token);
    return true;
  }
  const place = document.getElementById("sign-in-form");
  const form = document.importNode(step, true);
  form.removeAttribute("data-once");
  // Ids may stand in the page already.
  for (const element of form.querySelectorAll("[id]")) element.id = "again-" + element.id;
  for (const label of form.querySelectorAll("[for]")) label.htmlFor = "again-" + label.htmlFor;
  for (const field of form.querySelectorAll("[aria-describedby]")) {
    field.setAttribute("aria-describedby", field.getAttribute("aria-describedby").split(" ").map((id) => "again-" + id).join(" "));
  }
  place.replaceChildren(form);
  announce(place);
  form.addEventListener("submit", (event) => { event.preventDefault(); send(form, event.submitter); });
  form.querySelector("[aria-invalid], [autofocus]")?.focus();
  return false;
}

async function send(form, submitter) {
  submitter?.classList.add("is-busy");
  const body = new URLSearchParams(new FormData(form, submitter));
  const response = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "text/html" } }).catch(() => null);
  submitter?.classList.remove("is-busy");
  if (!response) return;
  const page = parse(await response.text());
  if (!refused(response, page) && adopt(page)) document.getElementById("sign-in").dispatchEvent(new Event("signed-in"));
}
