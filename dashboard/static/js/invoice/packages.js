// The Package field of a line, in the grid and in the dialog: choosing a package fills the line from the server.
import { UNREACHABLE, isSignedOut, said } from "../page.js";
import { signIn } from "../sign-in.js";
import { FILLED, clearError, packageInput, setValue, showError, typed, value } from "./line.js";
import { afterPress } from "./press.js";
import { close, find, isOpen, named, only, open, picked, startPackageList, step } from "./package-list.js";

const UNKNOWN = "Choose a package from the list, or leave this empty.";
// What stood in each field when the reader came to it.
const chosen = new WeakMap();

const lineOf = (element) => element.closest("[data-line], [data-line-form]");
const tell = (line) => line.dispatchEvent(new CustomEvent("line:changed", { bubbles: true }));

export function startPackages(editor) {
  const { form } = editor;
  const base = form.dataset.packages;
  const customer = () => String(editor.customer?.id ?? "");
  const dialog = document.getElementById("line-dialog");
  startPackageList((input, option) => choose(editor, input, option));
  for (const root of [editor.body, dialog]) {
    const on = (kind, act) => root.addEventListener(kind, (event) => { if (event.target.matches?.("[data-package]")) act(event.target, event); });
    on("focusin", remember);
    on("input", (input) => {
      hidden(input).value = "";
      if (!input.value.trim()) clearError(lineOf(input), "package_id");
      open(input, base, customer(), input.value.trim());
    });
    on("click", (input) => { if (!isOpen(input)) open(input, base, customer(), ""); });
    on("keydown", (input, event) => onKey(editor, input, event, () => open(input, base, customer(), "")));
    on("focusout", (input) => { close(); afterPress(() => settle(editor, input)); });
    on("package:restored", putBack);
    root.addEventListener("click", (event) => {
      const answer = event.target.closest("[data-replace]");
      if (answer) answerQuestion(answer);
    });
  }
  editor.body.addEventListener("line:changed", (event) => editor.changed(event.target));
}

const hidden = (input) => lineOf(input).querySelector('[data-field="package_id"]');
const remember = (input) => chosen.set(input, { id: hidden(input).value, text: input.value, currency: lineOf(input).dataset.packageCurrency });

function putBack(input) {
  const { id, text, currency } = chosen.get(input);
  input.value = text;
  hidden(input).value = id;
  lineOf(input).dataset.packageCurrency = currency ?? "";
}

function onKey(editor, input, event, openAll) {
  if (!isOpen(input)) {
    const wanted = event.key === "ArrowDown" && input.closest("dialog") && !event.altKey;
    if (wanted || event.key === "F4") {
      event.preventDefault();
      openAll();
    }
    return;
  }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter") {
    event.preventDefault();
    const text = input.value.trim();
    const option = picked() ?? (text && (named(text) ?? only()));
    if (option) choose(editor, input, option);
    else close();
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    close();
    putBack(input);
    input.select();
  }
}

/** What is typed in a line's Package but not chosen yet, before the form is sent. */
export function settleLine(editor, line) {
  if (packageInput(line).value.trim() && !value(line, "package_id")) settle(editor, packageInput(line));
}

/** The field was left: what is typed there is nothing, the package as before, or the name of one. */
function settle(editor, input) {
  if (!input.isConnected || isOpen(input)) return;
  const line = lineOf(input);
  const text = input.value.trim();
  const former = chosen.get(input);
  if (!text) {
    clearPackage(line);
    if (former?.id) tell(line);
  } else if (former?.id && text === former.text.trim()) putBack(input);
  else if (!hidden(input).value) {
    const option = named(text);
    if (option) choose(editor, input, option);
    else showError(line, "package_id", UNKNOWN);
  }
}

export function clearPackage(line) {
  packageInput(line).value = "";
  line.querySelector('[data-field="package_id"]').value = "";
  line.dataset.packageCurrency = "";
  clearError(line, "package_id");
  line.querySelector("[data-question]")?.remove();
}

/** Put a package on a line without filling the rest. */
export function put(line, option) {
  line.querySelector('[data-field="package_id"]').value = option.value;
  packageInput(line).value = option.text;
  line.dataset.packageCurrency = option.note ?? "";
  clearError(line, "package_id");
}

async function choose(editor, input, option) {
  const line = lineOf(input);
  close();
  put(line, option);
  remember(input);
  tell(line);
  await fill(editor, line, option);
}

async function fill(editor, line, option) {
  const url = `${editor.form.dataset.packages}${option.value}.json?customer=${editor.customer?.id ?? ""}`;
  const response = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
  if (response && isSignedOut(response)) return (await signIn()) ? fill(editor, line, option) : undefined;
  // Another package was chosen meanwhile.
  if (value(line, "package_id") !== option.value) return;
  if (!response?.ok) return showError(line, "package_id", (response && (await said(response))) || UNREACHABLE);
  const given = await response.json();
  line.dataset.packageCurrency = given.currency;
  const own = FILLED.filter((field) => typed(line).has(field) && value(line, field).trim() && value(line, field).trim() !== given[field]);
  for (const field of FILLED) if (!own.includes(field)) take(line, field, given[field]);
  if (own.length) ask(line, own, given);
  else line.querySelector("[data-question]")?.remove();
  tell(line);
}

function take(line, field, text) {
  setValue(line, field, text);
  typed(line).delete(field);
}

// What somebody typed stays, unless they say otherwise.
function ask(line, fields, given) {
  line.querySelector("[data-question]")?.remove();
  const box = document.createElement("div");
  box.className = "question";
  box.dataset.question = "";
  box.setAttribute("role", "group");
  const words = document.createElement("p");
  words.setAttribute("role", "alert");
  words.textContent = "Replace what you typed?";
  box.append(words, button("keep", "Keep"), button("replace", "Replace"));
  box.given = { fields, values: given };
  packageInput(line).closest("td, .field").append(box);
}

function button(answer, label) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "btn";
  made.dataset.replace = answer;
  made.textContent = label;
  return made;
}

function answerQuestion(pressed) {
  const line = lineOf(pressed);
  const box = pressed.closest("[data-question]");
  const { fields, values } = box.given;
  if (pressed.dataset.replace === "replace") for (const field of fields) take(line, field, values[field]);
  box.remove();
  packageInput(line).focus();
  tell(line);
}

/** Packages named in pasted lines: those that exist are put on their lines, the rest is said under the cell. */
export async function putNamed(editor, lines) {
  const names = [...new Set(lines.map((line) => packageInput(line).value.trim()).filter(Boolean))];
  for (const name of names.slice(0, 100)) {
    const results = await find(editor.form.dataset.packages, String(editor.customer?.id ?? ""), name);
    const option = results?.find((one) => one.text.toLowerCase() === name.toLowerCase());
    for (const line of lines) {
      if (packageInput(line).value.trim() !== name) continue;
      if (option) put(line, option);
      else showError(line, "package_id", `There is no package “${name.slice(0, 60)}” for this customer. ${UNKNOWN}`);
    }
  }
  editor.changed();
}
