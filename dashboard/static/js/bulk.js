// Picking rows: one by one, a range with Shift, the page, or everything that matches; then one action for all.
import { ask, openModal, showModal } from "./dialogs.js";
import { download } from "./form.js";
import { UNREACHABLE, csrfToken, isSignedOut, onContent, parse, said, within } from "./page.js";
import { signIn } from "./sign-in.js";
import { flashesOf, keepForNextPage, toast } from "./toasts.js";

export function startBulk() {
  onContent((root) => {
    for (const list of within(root, "[data-list]")) if (list.querySelector("[data-bulk]")) watch(list);
  });
}

function watch(list) {
  const bar = list.querySelector("[data-bulk]");
  const everyone = bar.querySelector("[data-bulk-all]");
  let lastPicked = null;
  list.addEventListener("click", (event) => {
    const box = event.target.closest("[data-pick]");
    if (box) {
      if (event.shiftKey && lastPicked?.isConnected) pickRange(list, lastPicked, box);
      lastPicked = box;
    }
    if (event.target.matches("[data-pick-all]")) for (const one of boxes(list)) one.checked = event.target.checked;
    if (box || event.target.matches("[data-pick-all]")) show(list, bar, "");
    if (event.target.closest("[data-bulk-every]")) {
      for (const one of boxes(list)) one.checked = true;
      show(list, bar, "1");
    }
    if (event.target.closest("[data-bulk-clear]")) {
      for (const one of boxes(list)) one.checked = false;
      show(list, bar, "");
    }
  });
  list.addEventListener("content:new", () => show(list, bar, everyone.value));
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    act(list, bar, event.submitter);
  });
  show(list, bar, "");
}

const boxes = (list) => [...list.querySelectorAll("[data-pick]")];

function pickRange(list, from, to) {
  const all = boxes(list);
  const [first, last] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  for (const one of all.slice(first, last + 1)) one.checked = to.checked;
}

function show(list, bar, everyone) {
  const all = boxes(list);
  const picked = all.filter((one) => one.checked).length;
  const every = bar.querySelector("[data-bulk-every]");
  bar.querySelector("[data-bulk-all]").value = everyone;
  bar.querySelector("[data-bulk-count]").textContent = everyone ? every.dataset.total : String(picked);
  if (every) every.hidden = Boolean(everyone) || picked < all.length;
  bar.hidden = picked === 0;
  for (const one of all) one.closest("tr").classList.toggle("is-picked", one.checked);
  const head = list.querySelector("[data-pick-all]");
  head.checked = picked > 0 && picked === all.length;
  head.indeterminate = picked > 0 && picked < all.length;
}

function selection(list, bar, action) {
  const body = new FormData(bar);
  body.set("action", action);
  if (!body.get("all")) for (const one of boxes(list)) if (one.checked) body.append("rowid", one.value);
  return new URLSearchParams(body);
}

async function act(list, bar, button) {
  const many = bar.querySelector("[data-bulk-count]").textContent;
  const body = selection(list, bar, button.value);
  if (button.dataset.dialogHref) return openModal(button.dataset.dialogHref, { body });
  const label = button.textContent.trim();
  const question = button.dataset.ask?.replace("{n}", many);
  if (question && !(await ask(question, { label, danger: "danger" in button.dataset, title: `${label}: ${many} selected` }))) return;
  await post(bar, button, body);
}

async function post(bar, button, body) {
  if (bar.dataset.sending) return;
  bar.dataset.sending = "1";
  button.classList.add("is-busy");
  let signedOut = false;
  try {
    const response = await fetch(bar.getAttribute("action"), { method: "POST", body, headers: { "X-Requested-With": "fetch", "X-Modal": "1" } });
    signedOut = isSignedOut(response);
    if (!signedOut) await finish(response);
  } catch {
    toast(UNREACHABLE, "bad");
  }
  delete bar.dataset.sending;
  button.classList.remove("is-busy");
  if (signedOut && (await signIn())) {
    body.set("csrf_token", csrfToken());
    await post(bar, button, body);
  }
}

async function finish(response) {
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok) return toast((await said(response)) || "That did not work. Nothing was changed.", "bad");
  if (response.headers.get("content-disposition")?.startsWith("attachment")) return download(response);
  if (type.includes("html") && !response.redirected) {
    // Not a redirect: which rows were refused, and why. The list behind it has changed, so closing reads it again.
    showModal(await response.text());
    return document.getElementById("modal").addEventListener("close", () => location.reload(), { once: true });
  }
  if (type.includes("html")) keepForNextPage(flashesOf(parse(await response.text())));
  const there = new URL(response.redirected ? response.url : location.href);
  if (there.pathname + there.search === location.pathname + location.search) location.reload();
  else location.assign(there);
}
