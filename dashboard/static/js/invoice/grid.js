// The table as a grid: every cell is edited where it stands, and the keyboard moves between cells.
import { clearError, fieldOf, isBlank, packageInput, setValue } from "./line.js";
import { isOpen } from "./package-list.js";

const cellsOf = (line) => [...line.querySelectorAll("[data-cell]")].filter((cell) => cell.checkVisibility());

export function focusCell(cell) {
  cell.focus();
  if (cell.select && cell.type !== "date") cell.select();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

export function startGrid(editor) {
  const { body, form } = editor;
  let before = "";
  body.addEventListener("focusin", (event) => {
    editor.current = event.target.closest("[data-line]");
    if (event.target.matches("[data-cell]")) before = event.target.value;
  });
  body.addEventListener("input", (event) => { if (event.target.matches("[data-cell]")) editor.onInput(event.target); });
  body.addEventListener("focusout", (event) => { if (event.target.matches("[data-cell]")) editor.onLeave(event.target); });
  body.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      return editor.move(event.target.closest("[data-line]"), event.key === "ArrowUp" ? -1 : 1);
    }
    if (!event.target.matches("[data-cell]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return restore(editor, event, before);
    if (event.key === "Enter") return enter(editor, event);
    if (event.key.startsWith("Arrow") && !event.shiftKey) arrow(editor, event);
  });
  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-line-remove]");
    if (button) removeLine(editor, button.closest("[data-line]"));
  });
  form.querySelector("[data-add-item]").addEventListener("click", () => {
    const line = editor.add();
    if (line) focusCell(packageInput(line));
  });
}

/** Remove a line; focus goes to the one that takes its place. */
export function removeLine(editor, line) {
  const neighbour = line.nextElementSibling ?? line.previousElementSibling;
  editor.remove(line);
  (neighbour?.querySelector("[data-line-remove]") ?? editor.form.querySelector("[data-add-item]")).focus();
}

function restore(editor, event, before) {
  const cell = event.target;
  if (isOpen(cell) || cell.value === before) return;
  event.preventDefault();
  event.stopPropagation();
  const line = cell.closest("[data-line]");
  if (cell.hasAttribute("data-package")) {
    cell.value = before;
    clearError(line, "package_id");
    cell.dispatchEvent(new CustomEvent("package:restored", { bubbles: true }));
  } else setValue(line, fieldOf(cell), before);
  cell.select?.();
  editor.changed(line);
}

// The same column one line up or down.
function vertical(line, cell, by) {
  const other = by < 0 ? line.previousElementSibling : line.nextElementSibling;
  if (!other) return false;
  const name = fieldOf(cell);
  focusCell(cellsOf(other).find((one) => fieldOf(one) === name) ?? packageInput(other));
  return true;
}

function enter(editor, event) {
  const cell = event.target;
  if (isOpen(cell)) return;
  const line = cell.closest("[data-line]");
  if (event.shiftKey && cell.tagName === "TEXTAREA") return;
  event.preventDefault();
  if (event.shiftKey) return vertical(line, cell, -1);
  if (vertical(line, cell, 1) || isBlank(line)) return;
  const added = editor.add();
  if (added) focusCell(packageInput(added));
}

function arrow(editor, event) {
  const cell = event.target;
  // In a date the arrows belong to its day, month and year.
  if (cell.type === "date" || isOpen(cell)) return;
  const line = cell.closest("[data-line]");
  const { selectionStart: start, selectionEnd: end, value } = cell;
  let moved = false;
  if (event.key === "ArrowUp" && !value.slice(0, start).includes("\n")) moved = vertical(line, cell, -1);
  if (event.key === "ArrowDown" && !value.slice(end).includes("\n")) moved = vertical(line, cell, 1);
  if (event.key === "ArrowLeft" && end === 0) moved = sideways(line, cell, -1);
  if (event.key === "ArrowRight" && start === value.length) moved = sideways(line, cell, 1);
  if (moved) event.preventDefault();
}

function sideways(line, cell, by) {
  const cells = cellsOf(line);
  const next = cells[cells.indexOf(cell) + by] ?? (by < 0 ? line.previousElementSibling && cellsOf(line.previousElementSibling).at(-1) : line.nextElementSibling && cellsOf(line.nextElementSibling)[0]);
  if (!next) return false;
  focusCell(next);
  return true;
}
