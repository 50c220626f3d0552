// A row that opens below itself: its part is fetched once, when it is first opened.
//   <button data-unfold="address" aria-controls="id of the row below" aria-expanded="false">
import { UNREACHABLE, announce, isSignedOut, said } from "./page.js";
import { signIn } from "./sign-in.js";
import { toast } from "./toasts.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-unfold]");
  if (button) unfold(button);
});

async function unfold(button) {
  const row = document.getElementById(button.getAttribute("aria-controls"));
  const place = row.matches("tr") ? row.firstElementChild : row;
  if (button.getAttribute("aria-expanded") === "true") return show(button, row, false);
  if (!row.dataset.loaded && !(await load(button, row, place))) return;
  show(button, row, true);
}

function show(button, row, open) {
  button.setAttribute("aria-expanded", String(open));
  row.hidden = !open;
}

async function load(button, row, place) {
  if (button.dataset.busy) return false;
  button.dataset.busy = "1";
  try {
    const response = await fetch(button.dataset.unfold, { headers: { "HX-Request": "true" } });
    if (isSignedOut(response)) return (await signIn()) && retry(button, row, place);
    if (!response.ok) return fail((await said(response)) || "This could not be read. Try again in a moment.");
    place.innerHTML = await response.text();
  } catch {
    return fail(UNREACHABLE);
  } finally {
    delete button.dataset.busy;
  }
  row.dataset.loaded = "1";
  announce(place);
  return true;
}

function retry(button, row, place) {
  delete button.dataset.busy;
  return load(button, row, place);
}

function fail(text) {
  toast(text, "bad");
  return false;
}
