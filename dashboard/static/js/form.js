// Forms: sent once, never emptied by an error, never left by accident, and carried over the end of a session.
import { UNREACHABLE, announce, isSignedOut, onContent, parse, said, within } from "./page.js";
import { flashesOf, keepForNextPage, toast } from "./toasts.js";
import { showModal } from "./dialogs.js";
import { signIn } from "./sign-in.js";

const starts = new WeakMap();
let leaving = false;

export function startForms() {
  onContent((root) => {
    for (const form of within(root, "form[data-form]")) watch(form);
  });
  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-leave]")) leaving = true;
    const wrong = event.target.closest("[data-errors] a");
    if (wrong) goToField(event, document.getElementById(wrong.hash.slice(1)));
  });
  addEventListener("beforeunload", (event) => {
    if (leaving || !within(document, "form[data-form]").some(isDirty)) return;
    event.preventDefault();
  });
  addEventListener("pageshow", () => { leaving = false; });
}

function goToField(event, field) {
  if (!field) return;
  event.preventDefault();
  (field.tomselect ?? field).focus();
  (field.closest(".field") ?? field).scrollIntoView({ block: "center" });
}

function watch(form) {
  // After other modules have set up their fields.
  setTimeout(() => {
    starts.set(form, form.querySelector("[data-errors]") || "keepDirty" in form.dataset ? "" : snapshot(form));
    showDirty(form);
  });
  // A long form is not read again at every key.
  let pause = 0;
  for (const kind of ["input", "change"]) form.addEventListener(kind, () => { clearTimeout(pause); pause = setTimeout(() => showDirty(form), 150); });
  form.addEventListener("input", (event) => {
    if (event.target.getAttribute("aria-invalid")) event.target.dataset.touched = "1";
  });
  const errors = form.querySelector("[data-errors]");
  if (errors && !form.closest("dialog")) errors.focus();
}

function snapshot(form) {
  return JSON.stringify([...new FormData(form)].filter(([name]) => name !== "csrf_token").map(([name, value]) => [name, value?.name ?? value]));
}

export function isDirty(form) {
  return starts.has(form) && !form.closest("dialog:not([open])") && snapshot(form) !== starts.get(form);
}

function showDirty(form) {
  const mark = form.querySelector("[data-unsaved]");
  if (mark) mark.hidden = !isDirty(form);
}

function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.dataset.sending) return event.preventDefault();
  if (form.matches("[data-form]")) {
    event.preventDefault();
    send(form, event.submitter);
  } else if (form.matches("[data-once]")) {
    form.dataset.sending = "1";
    event.submitter?.classList.add("is-busy");
    setTimeout(() => { delete form.dataset.sending; event.submitter?.classList.remove("is-busy"); }, 8000);
  }
}

/** Post the form. What comes back takes the page's place, or the dialog's; the form stays as it is on a failure. */
export async function send(form, submitter, again = false) {
  if (!form.dispatchEvent(new CustomEvent("form:before", { bubbles: true, cancelable: true }))) return;
  busy(form, submitter, true);
  let response;
  try {
    // Attributes, not properties: a field called "action" would stand in a property's place.
    const body = new FormData(form, submitter);
    const plain = form.getAttribute("enctype") !== "multipart/form-data";
    const headers = { Accept: "text/html", ...(form.matches("[data-modal-form]") ? { "X-Modal": "1" } : {}) };
    response = await fetch(submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? location.href, { method: "POST", body: plain ? new URLSearchParams(body) : body, headers });
  } catch {
    busy(form, submitter, false);
    return toast(UNREACHABLE, "bad");
  }
  // A 400 may be a token of an earlier session; signing in, or finding that one is signed in, brings a new one.
  if (isSignedOut(response) || (response.status === 400 && !again)) {
    busy(form, submitter, false);
    if (await signIn()) send(form, submitter, true);
    return;
  }
  await take(form, submitter, response);
}

async function take(form, submitter, response) {
  const type = response.headers.get("content-type") ?? "";
  if (response.ok && response.redirected && type.includes("html")) {
    keepForNextPage(flashesOf(parse(await response.text())));
    return go(response.url);
  }
  if (response.headers.get("HX-Redirect")) return go(response.headers.get("HX-Redirect"));
  busy(form, submitter, false);
  if (response.ok && !type.includes("html")) return download(response);
  if (form.matches("[data-modal-form]") && (response.ok || response.status === 422)) {
    return showModal(await response.text());
  }
  const copy = response.clone();
  const page = parse(await response.text());
  if (!page.querySelector("main:not([data-error])")) return toast((await said(copy)) || "That did not work. Nothing was saved.", "bad");
  replaceMain(page);
}

/** Show the main part of another page in this one's place. */
export function replaceMain(page) {
  const here = document.getElementById("main");
  here.replaceChildren(...page.querySelector("main").childNodes);
  document.title = page.title;
  for (const { text, tone } of flashesOf(page)) toast(text, tone);
  announce(here);
  const errors = here.querySelector("[data-errors]");
  (errors ?? here).focus();
  (errors ?? here).scrollIntoView({ block: "nearest" });
}

function go(url) {
  leaving = true;
  const same = new URL(url, location.href).href === location.href;
  if (same) location.reload();
  else location.assign(url);
}

export async function download(response) {
  const name = /filename="?([^";]+)"?/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? "download";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function busy(form, submitter, on) {
  if (on) form.dataset.sending = "1";
  else delete form.dataset.sending;
  form.setAttribute("aria-busy", String(on));
  const button = submitter ?? form.querySelector('[type="submit"]');
  button?.classList.toggle("is-busy", on);
}
