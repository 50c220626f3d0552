// What every module needs: run on content now and on content that arrives later, and the CSRF token.

/** Run `setUp(root)` on the page and on each piece of it that is swapped in afterwards. */
export function onContent(setUp) {
  setUp(document.body);
  document.addEventListener("content:new", (event) => setUp(event.target));
}

/** Tell every module, and htmx, that `root` is new. */
export function announce(root) {
  window.htmx?.process(root);
  root.dispatchEvent(new CustomEvent("content:new", { bubbles: true }));
}

/** Elements matching `selector` at or under `root`. */
export function within(root, selector) {
  const found = [...root.querySelectorAll(selector)];
  return root.matches?.(selector) ? [root, ...found] : found;
}

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

/** After a sign-in in the page: every form goes on with the new token. */
export function setCsrfToken(token) {
  document.querySelector('meta[name="csrf-token"]').content = token;
  for (const input of document.querySelectorAll('input[name="csrf_token"]')) input.value = token;
}

/** A fresh icon of the sprite. */
export function icon(name) {
  const made = document.getElementById("icon-source").content.firstElementChild.cloneNode(true);
  const use = made.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").split("#")[0] + "#" + name);
  return made;
}

export function parse(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/** Did this answer end on the sign-in page, or say that nobody is signed in? */
export function isSignedOut(response) {
  if (response.status === 401) return true;
  return response.redirected && new URL(response.url).pathname.replace(/\/$/, "") === "/login";
}

/** What an answer says, for a message: JSON's error or message, an error page's text, or plain text. */
export async function said(response) {
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  if (type.includes("json")) {
    try {
      const body = JSON.parse(text);
      return body.error ?? body.message ?? Object.values(body.errors ?? {}).flat().join(" ");
    } catch { return ""; }
  }
  if (type.includes("html")) {
    const page = parse(text);
    return (page.querySelector("[data-error-text]") ?? page.querySelector("[data-errors]"))?.textContent.trim().replace(/\s+/g, " ") ?? "";
  }
  return text.slice(0, 300);
}

export const UNREACHABLE = "The server could not be reached. Nothing was lost: try again in a moment.";
