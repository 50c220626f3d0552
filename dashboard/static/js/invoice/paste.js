// A block copied from a spreadsheet goes into the cells from the one that has the focus, adding lines as needed.
import { toast } from "../toasts.js";
import { NUMBERS, fault, fieldOf, numberError, packageInput, setValue, showError, showRange, typed, value } from "./line.js";
import { clearPackage, putNamed } from "./packages.js";

const TOO_MUCH = 2_000_000;
const COLUMNS = ["package_id", "description", "date_from", "date_to", "quantity", "unit_price", "tax_percent", "tax_name"];
const DATES = ["date_from", "date_to"];
const HEADS = {
  package_id: /^(package|product|item)$/i, description: /^(description|text|details)$/i, date_from: /^(from|start|start date|date from)$/i,
  date_to: /^(to|end|end date|date to)$/i, quantity: /^(quantity|qty|units?)$/i, unit_price: /^(unit price|price|rate)$/i,
  tax_percent: /^(tax|tax ?\(?%\)?|vat ?\(?%?\)?|tax rate)$/i, tax_name: /^(tax (name|description))$/i,
};

/** The cells of a copied block: rows by lines, columns by tabs, quotes around what holds either. */
export function parseBlock(text) {
  const rows = [];
  let row = [];
  const cell = /(?:"((?:[^"]|"")*)"(?=[\t\r\n]|$)|([^\t\r\n]*))(\t|\r\n|\n|\r|$)/gy;
  while (cell.lastIndex < text.length) {
    const [, quoted, bare, end] = cell.exec(text);
    row.push((quoted === undefined ? bare : quoted.replaceAll('""', '"')).trim());
    if (end === "\t") {
      if (cell.lastIndex >= text.length) row.push("");
      else continue;
    }
    rows.push(row);
    row = [];
  }
  return rows.filter((cells) => cells.some(Boolean));
}

/** A number as a spreadsheet shows it: signs and codes of currencies go, brackets mean below zero. */
export function cleanNumber(text) {
  const bare = text.replace(/^[A-Z]{3}(?=[\s\d(+-])|[A-Z]{3}$/gu, "").replace(/[\p{Sc}%]/gu, "").trim();
  const brackets = /^\((.*)\)$/u.exec(bare);
  return (brackets ? `-${brackets[1]}` : bare).replace(/^([-\u2212])\s+/u, "$1").replace(/(?<=\d)['\u2019](?=\d{3})/gu, ",");
}

/** A date as ISO where it can mean one day only; otherwise as it was. */
export function cleanDate(text) {
  const parts = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?$/u.exec(text);
  if (parts) return [parts[1], parts[2].padStart(2, "0"), parts[3].padStart(2, "0")].join("-");
  return /\d/u.test(text) && /[a-z]{3}/iu.test(text) && !Number.isNaN(Date.parse(`${text} UTC`)) ? new Date(`${text} UTC`).toISOString().slice(0, 10) : text;
}

const looksLikeDate = (text = "") => /^\d{4}-\d{2}-\d{2}$/u.test(cleanDate(text));

/** The fields that the block's columns go to, from the field that has the focus; null where there is none. */
export function targets(rows, first) {
  const heads = rows[0].map((text) => COLUMNS.find((field) => HEADS[field].test(text)) ?? null);
  if (heads.filter(Boolean).length > 1) return { fields: heads, rows: rows.slice(1) };
  const width = Math.max(...rows.map((row) => row.length));
  const fields = [];
  let at = COLUMNS.indexOf(first);
  for (let column = 0; column < width; column += 1) {
    // A block of description, quantity and price leaves the dates out, as most do.
    const dates = rows.some((row) => looksLikeDate(row[column] ?? ""));
    while (!dates && column > 0 && DATES.includes(COLUMNS[at])) at += 1;
    fields.push(COLUMNS[at] ?? null);
    at += 1;
  }
  return { fields, rows };
}

export function startPaste(editor) {
  editor.form.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const refused = tooLong(event.target, text);
    if (refused) {
      event.preventDefault();
      return toast(refused, "bad");
    }
    const here = event.target.closest("[data-paste-here]");
    if (!here && (!event.target.matches("[data-cell]") || !/[\t\n\r]/u.test(text.trim()))) return cleanOne(editor, event, text);
    event.preventDefault();
    pasteBlock(editor, text, here ? null : event.target);
  });
  // With no line yet, a press on the empty table takes the paste.
  const empty = editor.form.querySelector("[data-lines-empty]");
  empty.addEventListener("click", () => empty.querySelector("[data-paste-here]").focus());
}

function tooLong(target, text) {
  if (text.length > TOO_MUCH) return `That is too much to paste: ${(text.length / 1_000_000).toFixed(1)} million characters. Nothing was pasted.`;
  const room = target.maxLength ?? -1;
  if (target.matches("[data-cell]") && /[\t\n\r]/u.test(text.trim())) return "";
  return room > 0 && text.length > room ? `At most ${room.toLocaleString("en")} characters fit here, and this has ${text.length.toLocaleString("en")}. Nothing was pasted.` : "";
}

// One number pasted over a whole cell is cleaned too.
function cleanOne(editor, event, text) {
  const cell = event.target;
  const field = cell.matches("[data-cell]") ? fieldOf(cell) : "";
  if (cell.readOnly || !NUMBERS.includes(field) || (cell.value && cell.selectionEnd - cell.selectionStart < cell.value.length)) return;
  event.preventDefault();
  cell.value = cleanNumber(text.trim());
  cell.dispatchEvent(new Event("input", { bubbles: true }));
}

function pasteBlock(editor, text, cell) {
  const block = parseBlock(text);
  if (!block.length) return;
  const { fields, rows } = targets(block, cell ? fieldOf(cell) : COLUMNS[firstColumn(block)]);
  const first = cell?.closest("[data-line]") ?? null;
  const start = first ? editor.lines().indexOf(first) : editor.body.childElementCount;
  const more = Math.max(0, start + rows.length - editor.body.childElementCount);
  if (more && !editor.hasRoom(more)) return;
  const added = document.createDocumentFragment();
  for (let left = more; left > 0; left -= 1) added.append(editor.blank());
  editor.body.append(added);
  const lines = editor.lines().slice(start, start + rows.length);
  lines.forEach((line, at) => fillLine(editor, line, fields, rows[at]));
  editor.reordered();
  if (fields.includes("package_id")) putNamed(editor, lines);
  lines.at(-1)?.querySelector('[data-field="description"]').focus();
  toast(`${lines.length === 1 ? "1 line was" : `${lines.length.toLocaleString("en")} lines were`} pasted.`, "ok");
}

// Without a cell to begin at: a single column, or one followed by a number or a date, is the description.
const firstColumn = (rows) => (rows[0].length === 1 || rows.some((row) => looksLikeNumber(row[1]) || looksLikeDate(row[1])) ? 1 : 0);
const looksLikeNumber = (text) => !numberError("unit_price", cleanNumber(text ?? ""));

function fillLine(editor, line, fields, cells) {
  fields.forEach((field, at) => {
    const text = cells[at];
    if (!field || text === undefined) return;
    if (field === "package_id") {
      if (packageInput(line).readOnly) return;
      clearPackage(line);
      packageInput(line).value = text.slice(0, 120);
      return;
    }
    setValue(line, field, cleaned(field, text));
    typed(line).add(field);
    showError(line, field, DATES.includes(field) && text && !value(line, field) ? `“${text.slice(0, 30)}” is not a date such as 2026-01-31.` : fault(line, field));
  });
  showRange(line);
  editor.totals.known.delete(line);
}

function cleaned(field, text) {
  if (NUMBERS.includes(field)) return cleanNumber(text).slice(0, 40);
  if (DATES.includes(field)) return cleanDate(text);
  return text.slice(0, field === "tax_name" ? 40 : 1000);
}
