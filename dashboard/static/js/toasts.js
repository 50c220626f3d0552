// Short messages at the corner. An error stays until it is closed; the rest go by themselves.
import { icon } from "./page.js";

const ICONS = { ok: "ok", bad: "error", warn: "warning", info: "info" };
const KEPT = "toasts:kept";

/** `action` is what the reader can still do about it: {label, run}. */
export function toast(text, tone = "info", action = null) {
  const region = document.getElementById("toasts");
  if (!region || !text) return;
  const message = document.createElement("div");
  message.className = `toast-msg ${tone}`;
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-plain btn-icon btn-icon--s";
  close.setAttribute("aria-label", "Close this message");
  close.append(icon("x"));
  close.addEventListener("click", () => dismiss(message));
  message.append(icon(ICONS[tone] ?? "info"), words, ...(action ? [actionButton(action, message)] : []), close);
  region.append(message);
  raise(region);
  if (tone !== "bad") linger(message);
}

function actionButton({ label, run }, message) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn";
  button.textContent = label;
  button.addEventListener("click", () => { dismiss(message); run(); });
  return button;
}

// A popover is drawn above an open dialog; showing it again puts it on top.
function raise(region) {
  if (!region.showPopover) return;
  if (region.matches(":popover-open")) region.hidePopover();
  region.showPopover();
}

function dismiss(message) {
  const region = message.parentElement;
  message.remove();
  if (region && !region.childElementCount && region.matches(":popover-open")) region.hidePopover();
}

function linger(message) {
  let timer = setTimeout(() => dismiss(message), 6000);
  message.addEventListener("pointerenter", () => clearTimeout(timer));
  message.addEventListener("focusin", () => clearTimeout(timer));
  message.addEventListener("pointerleave", () => { timer = setTimeout(() => dismiss(message), 3000); });
}

/** The flashed messages of a page, as {text, tone}. */
export function flashesOf(page) {
  const template = page.getElementById("flashes");
  return [...(template?.content.querySelectorAll("p") ?? [])].map((p) => ({ text: p.textContent, tone: p.dataset.tone }));
}

/** Show these on the page that is about to open. */
export function keepForNextPage(messages) {
  if (messages.length) sessionStorage.setItem(KEPT, JSON.stringify(messages));
}

export function startToasts() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  sessionStorage.removeItem(KEPT);
  for (const { text, tone } of [...kept, ...flashesOf(document)]) toast(text, tone);
  document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.tone));
}
