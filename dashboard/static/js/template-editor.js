// The editor of an invoice template: line numbers, Tab, Ctrl+S, and the way to a faulty line.
import { onContent, within } from "./page.js";

const INDENT = "  ";

onContent((root) => {
  for (const area of within(root, "textarea.code")) watch(area);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-line]");
  if (button) goToLine(document.getElementById("html"), Number(button.dataset.line));
});

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  const form = document.querySelector("main form[data-form]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("[data-save]") ?? undefined);
});

function watch(area) {
  if (area.closest(".code-box")) return;
  const box = document.createElement("div");
  const lines = document.createElement("pre");
  box.className = "code-box";
  lines.className = "code-lines";
  lines.setAttribute("aria-hidden", "true");
  area.before(box);
  box.append(lines, area);
  const number = () => {
    const count = area.value.split("\n").length;
    if (Number(lines.dataset.count) === count) return;
    lines.dataset.count = String(count);
    lines.textContent = Array.from({ length: count }, (_, at) => at + 1).join("\n") + "\n\n";
  };
  const follow = () => { lines.scrollTop = area.scrollTop; };
  area.addEventListener("input", number);
  area.addEventListener("scroll", follow);
  area.addEventListener("keydown", (event) => onKey(event, area));
  number();
  follow();
  goToFault(area);
}

// Tab indents. After Esc it leaves the editor, for those who have no mouse.
function onKey(event, area) {
  if (event.key === "Escape") {
    area.dataset.leave = "1";
    return;
  }
  if (event.key !== "Tab" || event.ctrlKey || event.altKey || event.metaKey) {
    if (event.key !== "Shift") delete area.dataset.leave;
    return;
  }
  if (area.dataset.leave) {
    delete area.dataset.leave;
    return;
  }
  event.preventDefault();
  if (event.shiftKey || area.selectionStart !== area.selectionEnd) shiftLines(area, event.shiftKey);
  else write(area, area.selectionStart, area.selectionEnd, INDENT);
}

function shiftLines(area, back) {
  const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  const last = area.value.indexOf("\n", Math.max(area.selectionStart, area.selectionEnd - 1));
  const end = last < 0 ? area.value.length : last;
  const lines = area.value.slice(start, end).split("\n");
  const moved = lines.map((line) => (back ? line.replace(/^( {1,2}|\t)/, "") : INDENT + line)).join("\n");
  write(area, start, end, moved);
  area.setSelectionRange(start, start + moved.length);
}

// By the browser's own command, so that Ctrl+Z takes it back.
function write(area, start, end, text) {
  area.setSelectionRange(start, end);
  if (!document.execCommand("insertText", false, text)) {
    area.setRangeText(text, start, end, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function goToFault(area) {
  const said = document.getElementById(`${area.id}-error`)?.textContent ?? "";
  const line = /Line (\d+):/.exec(said)?.[1];
  if (line) scrollToLine(area, Number(line));
}

function goToLine(area, line) {
  const before = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  const end = area.value.indexOf("\n", before);
  area.focus();
  area.setSelectionRange(before, end < 0 ? area.value.length : end);
  scrollToLine(area, line);
}

function scrollToLine(area, line) {
  const height = Number.parseFloat(getComputedStyle(area).lineHeight);
  area.scrollTop = Math.max(0, (line - 4) * height);
}
