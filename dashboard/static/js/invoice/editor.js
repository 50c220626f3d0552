// The invoice editor: one table of lines, edited in the grid or in a dialog; totals follow by themselves.
// The form's own inputs are the model. They are numbered in order just before the form is sent.
import { onContent, within } from "../page.js";
import { toast } from "../toasts.js";
import { startCustomer } from "./customer.js";
import { startDrag } from "./drag.js";
import { startGrid } from "./grid.js";
import { FIELDS, check, copy, fault, fieldOf, firstWrong, isBlank, packageInput, setTyped, setValue, showError, showRange, typed, value } from "./line.js";
import { startLineDialog } from "./line-dialog.js";
import { startMenu } from "./line-menu.js";
import { settleLine, startPackages } from "./packages.js";
import { startPaste } from "./paste.js";
import { afterPress } from "./press.js";
import { Totals } from "./totals.js";

export const MOST_LINES = 1000;
const PATIENCE = 500;

class Editor {
  constructor(form) {
    this.form = form;
    this.body = form.querySelector("[data-lines]");
    this.template = form.querySelector("[data-line-template]").content.firstElementChild;
    this.data = JSON.parse(document.getElementById("editor-data").textContent);
    this.totals = new Totals(this);
    this.current = null;
    this.timers = new WeakMap();
  }

  lines() { return [...this.body.children]; }

  get customer() { return this.data.customer; }

  /** A line for the table, not in it yet. */
  blank() {
    const line = this.template.cloneNode(true);
    const { percent, name } = this.data.tax;
    setValue(line, "tax_percent", percent);
    setValue(line, "tax_name", name);
    setTyped(line, []);
    return line;
  }

  hasRoom(many = 1) {
    const all = this.body.childElementCount + many;
    if (all <= MOST_LINES) return true;
    toast(`An invoice can have at most ${MOST_LINES.toLocaleString("en")} lines; this would make ${all.toLocaleString("en")}. Split it.`, "bad");
    return false;
  }

  /** Put a line into the table: before `next`, or at the end. Answers it, or null where there is no room. */
  add(line = this.blank(), next = null) {
    if (!this.hasRoom()) return null;
    this.body.insertBefore(line, next);
    this.reordered();
    return line;
  }

  duplicate(line) {
    const twin = this.blank();
    copy(line, twin);
    return this.add(twin, line.nextElementSibling);
  }

  remove(line) {
    const next = line.nextElementSibling;
    const place = this.lines().indexOf(line) + 1;
    line.remove();
    if (this.current === line) this.current = null;
    this.reordered();
    const undo = () => {
      if (!this.form.isConnected || !this.hasRoom()) return;
      this.body.insertBefore(line, next?.parentElement === this.body ? next : this.body.children[place - 1] ?? null);
      this.reordered();
      packageInput(line).focus();
    };
    if (!isBlank(line)) toast(`Line ${place} was removed.`, "info", { label: "Undo", run: undo });
  }

  move(line, by) {
    const other = by < 0 ? line.previousElementSibling : line.nextElementSibling;
    if (!other) return;
    const focused = line.contains(document.activeElement) ? document.activeElement : null;
    if (by < 0) other.before(line);
    else other.after(line);
    focused?.focus();
    this.reordered();
    line.scrollIntoView({ block: "nearest" });
  }

  /** Lines were added, removed or moved. */
  reordered() {
    let place = 0;
    for (const line of this.body.children) this.number(line, ++place);
    this.form.querySelector("[data-line-count]").textContent = String(place);
    this.form.querySelector("[data-lines-empty]").hidden = place > 0;
    this.changed();
  }

  number(line, place) {
    const text = String(place);
    const shown = line.querySelector("[data-number]");
    if (shown.textContent === text) return;
    shown.textContent = text;
    for (const [name, words] of [["edit", "Edit"], ["menu", "More for"], ["remove", "Remove"]]) line.querySelector(`[data-line-${name}]`).setAttribute("aria-label", `${words} line ${text}`);
  }

  /** Something changed that is no key stroke: totals follow, and the form knows that it is not saved. */
  changed(line = null) {
    this.totals.changed(line);
    this.form.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** Somebody typed in a cell. Errors wait until the typing pauses; an error that is shown goes at once. */
  onInput(element) {
    const line = element.closest("[data-line]");
    const field = fieldOf(element);
    typed(line).add(field);
    if (field.startsWith("date")) showRange(line);
    this.totals.changed(line);
    if (field === "package_id") return;
    clearTimeout(this.timers.get(line));
    if (element.hasAttribute("aria-invalid")) showError(line, field, fault(line, field));
    else this.timers.set(line, setTimeout(() => showError(line, field, fault(line, field)), PATIENCE));
  }

  onLeave(element) {
    const line = element.closest("[data-line]");
    const field = fieldOf(element);
    clearTimeout(this.timers.get(line));
    if (field === "package_id") return;
    afterPress(() => { if (!isBlank(line)) showError(line, field, fault(line, field)); });
  }

  /** Before the form goes: untouched lines are left out, every line is checked, names get their numbers. */
  ready() {
    for (const line of this.lines()) if (isBlank(line)) line.remove();
    for (const line of this.lines()) {
      check(line);
      settleLine(this, line);
    }
    this.reordered();
    this.lines().forEach((line, at) => {
      for (const field of ["id", ...FIELDS]) line.querySelector(`[data-field="${field}"]`).name = `items-${at}-${field}`;
    });
    const wrong = firstWrong(this.body);
    if (!wrong) return true;
    wrong.focus();
    wrong.scrollIntoView({ block: "center" });
    const many = this.body.querySelectorAll('[aria-invalid="true"]').length;
    toast(`Not saved yet: ${many === 1 ? "one cell needs" : `${many} cells need`} your attention.`, "warn");
    return false;
  }
}

function start(form) {
  const editor = new Editor(form);
  for (const line of editor.lines()) setTyped(line, FIELDS.filter((field) => value(line, field)));
  form.addEventListener("form:before", (event) => { if (event.target === form && !editor.ready()) event.preventDefault(); });
  for (const begin of [startGrid, startDrag, startPackages, startPaste, startCustomer, startLineDialog, startMenu]) begin(editor);
  editor.totals.draw();
  // After a refused save: to the first cell that is wrong.
  setTimeout(() => firstWrong(editor.body)?.focus());
}

onContent((root) => {
  for (const form of within(root, "form[data-invoice]")) start(form);
});
