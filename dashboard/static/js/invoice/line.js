// One line of an invoice, wherever it stands: a row of the table, or the dialog. Both hold elements with
// [data-field], so both are read, written and checked by the same functions.
import { NumberError, parseDecimal } from "../money.js";

export const FIELDS = ["package_id", "description", "date_from", "date_to", "quantity", "unit_price", "tax_percent", "tax_name"];
/** What a package fills in. */
export const FILLED = ["quantity", "unit_price", "tax_percent", "tax_name", "description"];
const PLACES = { quantity: 6, unit_price: 6, tax_percent: 4 };
export const NUMBERS = Object.keys(PLACES);
const EMPTY = "Please fill this in.";
const BIGGEST_QUANTITY = 12;

// What somebody typed, by line; the rest came from a package or from the customer and may be filled again.
const typedBy = new WeakMap();
let errorIds = 0;

export const input = (line, field) => line.querySelector(field === "package" ? "[data-package]" : `[data-field="${field}"]`);
export const value = (line, field) => input(line, field).value;
export const packageInput = (line) => line.querySelector("[data-package]");

export function typed(line) {
  if (!typedBy.has(line)) typedBy.set(line, new Set());
  return typedBy.get(line);
}

export const setTyped = (line, fields) => typedBy.set(line, new Set(fields));

export function setValue(line, field, text) {
  const element = input(line, field);
  if (element.value === text || element.readOnly) return;
  element.value = text;
  clearError(line, field);
  if (field === "date_from" || field === "date_to") showRange(line);
}

/** Dates that are set stay in sight; empty ones show when the row is worked on. */
export function showRange(line) {
  line.querySelector(".range")?.classList.toggle("is-set", Boolean(value(line, "date_from") || value(line, "date_to")));
}

/** Nothing in it but what a new line starts with. */
export function isBlank(line) {
  if (value(line, "id")) return false;
  const texts = ["package_id", "description", "date_from", "date_to", "unit_price"].map((field) => value(line, field));
  return !texts.some((text) => text.trim()) && !packageInput(line).value.trim() && !typed(line).has("quantity");
}

/** Values and package of one line put into another. */
export function copy(from, to) {
  for (const field of FIELDS) {
    input(to, field).value = value(from, field);
    clearError(to, field);
  }
  packageInput(to).value = packageInput(from).value;
  to.dataset.packageCurrency = from.dataset.packageCurrency ?? "";
  setTyped(to, typed(from));
  if (to.matches("[data-line]")) showRange(to);
}

/** What of a line is a sum of calls can't be edited; so it is in the dialog, too. */
export function copyFixed(from, to) {
  for (const field of ["package", "quantity", "unit_price"]) input(to, field).readOnly = Boolean(from && input(from, field).readOnly);
  for (const button of to.querySelectorAll("[data-step]")) button.disabled = input(to, "quantity").readOnly;
}

export function numberError(field, text) {
  if (!text.trim()) return EMPTY;
  try {
    const number = parseDecimal(text, { places: PLACES[field] });
    if (field === "tax_percent") return percentError(number);
    const digits = number.replace("-", "").split(".")[0];
    if (field === "quantity" && digits.length > BIGGEST_QUANTITY) return "This number is too big: use at most 12 digits before the point.";
    return "";
  } catch (error) {
    if (error instanceof NumberError) return error.message;
    throw error;
  }
}

function percentError(number) {
  if (number.startsWith("-")) return "Must be 0 or more.";
  const [whole, decimals = ""] = number.split(".");
  return BigInt(whole) > 100n || (whole === "100" && /[1-9]/.test(decimals)) ? "Must be 100 or less." : "";
}

function dateError(element) {
  if (element.validity.badInput) return "Please give a date such as 2026-01-31.";
  return element.validity.rangeUnderflow || element.validity.rangeOverflow ? "Please give a year from 1990 to 2999." : "";
}

/** What is wrong with one field of a line, in words; "" where nothing is. */
export function fault(line, field) {
  const element = input(line, field);
  if (NUMBERS.includes(field)) return numberError(field, element.value);
  if (field === "date_from") return dateError(element);
  if (field !== "date_to") return "";
  const [from, to] = [value(line, "date_from"), element.value];
  return dateError(element) || (from && to && to < from ? "The date range can't end before it begins." : "");
}

/** The figures that totals need, or null while a number of the line can't be read. */
export function figures(line) {
  const found = {};
  for (const field of NUMBERS) {
    const text = value(line, field);
    if (numberError(field, text)) return null;
    found[field] = text;
  }
  found.tax_name = value(line, "tax_name").trim();
  return found;
}

/** Check every field, show what is wrong under each, and return the first wrong element. */
export function check(line) {
  const fields = ["date_from", "date_to", ...NUMBERS];
  for (const field of fields) showError(line, field, fault(line, field));
  return firstWrong(line);
}

export const firstWrong = (root) => root.querySelector('[aria-invalid="true"]');

/** Show the words under a field; "" takes them away. `field` is "package" for what is typed there. */
export function showError(line, field, words) {
  if (!words) return clearError(line, field);
  const element = field === "package_id" ? packageInput(line) : input(line, field);
  let shown = errorOf(line, field);
  if (!shown) {
    shown = document.createElement("p");
    shown.className = "err";
    shown.id = `line-error-${++errorIds}`;
    shown.dataset.errorOf = field;
    (element.closest(".range, .stepper, .unit") ?? element).after(shown);
  }
  if (shown.textContent !== words) shown.textContent = words;
  element.setAttribute("aria-invalid", "true");
  element.setAttribute("aria-describedby", shown.id);
}

const errorOf = (line, field) => line.querySelector(`[data-error-of="${field}"]`);

export function clearError(line, field) {
  const element = field === "package_id" ? packageInput(line) : input(line, field);
  if (!element.hasAttribute("aria-invalid")) return;
  errorOf(line, field)?.remove();
  element.removeAttribute("aria-invalid");
  element.removeAttribute("aria-describedby");
}

/** The name of the field that an element edits. */
export const fieldOf = (element) => (element.hasAttribute("data-package") ? "package_id" : element.dataset.field);
