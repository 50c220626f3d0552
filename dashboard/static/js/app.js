// The entry of every page. Each concern has its own file; this one only starts them, in an order that matters:
// questions are asked before forms are sent.
import { announce, csrfToken, isSignedOut, onContent, within } from "./page.js";
import { startCells } from "./cells.js";
import { startDialogs } from "./dialogs.js";
import { startDrawer } from "./drawer.js";
import { startForms } from "./form.js";
import { startFresh } from "./fresh.js";
import { startInline } from "./inline.js";
import { startJobs } from "./jobs.js";
import { startKeys } from "./keys.js";
import { startLists } from "./list.js";
import { startSelects } from "./select.js";
import { signIn } from "./sign-in.js";
import { startToasts, toast } from "./toasts.js";

function startHtmx() {
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = csrfToken();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const fresh = event.detail.target.isConnected ? event.detail.target : document.getElementById(event.detail.target.id);
    fresh?.dispatchEvent(new CustomEvent("content:new", { bubbles: true }));
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { xhr, elt } = event.detail;
    const answer = { status: xhr.status, url: xhr.responseURL, redirected: !xhr.responseURL.endsWith(event.detail.pathInfo.finalRequestPath) };
    if (!isSignedOut(answer)) return;
    event.preventDefault();
    // What asks by itself (progress, jobs) waits; what somebody clicked goes on after signing in.
    if (elt.matches("a, button")) signIn().then((isIn) => isIn && elt.click());
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.elt.matches("a, button, form")) toast("That did not work. Try again in a moment.", "bad");
  });
}

// Alpine comes only where a page has a component.
function startComponents() {
  let alpine;
  onContent(async (root) => {
    if (alpine || !within(root, "[x-data]").length) return;
    alpine = Promise.all([import("../vendor/alpine/alpine.esm.min.js"), import("./filters.js")]);
    const [{ default: Alpine }, { filterBuilder }] = await alpine;
    Alpine.data("filterBuilder", filterBuilder);
    document.dispatchEvent(new CustomEvent("alpine:ready", { detail: Alpine }));
    Alpine.start();
  });
}

startToasts();
startDialogs();
startForms();
startHtmx();
startDrawer();
startSelects();
startLists();
startCells();
startInline();
startKeys();
startJobs();
startComponents();
startFresh();
document.documentElement.dataset.ready = "1";

export { announce };
