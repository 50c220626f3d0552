// "Edit Invoice Line": a row of the table in a dialog. Nothing reaches the row before Save.
import { ask, openDialog } from "../dialogs.js";
import { NumberError, parseDecimal } from "../money.js";
import { FIELDS, check, copy, copyFixed, fault, fieldOf, firstWrong, packageInput, setValue, showError, typed, value } from "./line.js";
import { settleLine } from "./packages.js";
import { afterPress } from "./press.js";

export function startLineDialog(editor) {
  const dialog = document.getElementById("line-dialog");
  const form = dialog.querySelector("[data-line-form]");
  // A press beside the dialog must not drop what is typed in it.
  dialog.dataset.ready = "1";
  const session = { row: null, before: "" };
  const show = () => editor.totals.drawLine(form, editor.totals.ofOne(form, session.row), { code: true });

  editor.openLine = (row) => {
    session.row = row;
    copy(row ?? editor.blank(), form);
    copyFixed(row, form);
    form.querySelector("[data-question]")?.remove();
    session.before = content(form);
    show();
    openDialog(dialog);
    packageInput(form).focus();
  };
  form.addEventListener("input", (event) => {
    const field = fieldOf(event.target);
    typed(form).add(field);
    if (event.target.hasAttribute("aria-invalid") && field !== "package_id") showError(form, field, fault(form, field));
    show();
  });
  form.addEventListener("focusout", (event) => {
    const field = fieldOf(event.target);
    if (field && field !== "package_id" && typed(form).has(field)) afterPress(() => showError(form, field, fault(form, field)));
  });
  form.addEventListener("line:changed", show);
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (button) stepQuantity(form, BigInt(button.dataset.step), show);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check(form);
    settleLine(editor, form);
    const wrong = firstWrong(form);
    if (wrong) return wrong.focus();
    keep(editor, session, form);
    dialog.close();
  });
  const leave = async (event) => {
    if (content(form) === session.before) return;
    event.preventDefault();
    event.stopPropagation();
    if (await ask("What you typed for this line will be dropped.", { title: "Leave this line?", label: "Drop it", danger: true })) dialog.close();
  };
  dialog.addEventListener("cancel", leave);
  form.querySelector(".dlg-head [data-close]").addEventListener("click", leave);

  editor.form.querySelector("[data-edit-item]").addEventListener("click", () => {
    editor.openLine(editor.current ?? editor.lines()[0] ?? null);
  });
  editor.body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-line-edit]");
    if (button) editor.openLine(button.closest("[data-line]"));
  });
}

const content = (form) => JSON.stringify([packageInput(form).value, ...FIELDS.map((field) => value(form, field))]);

function keep(editor, session, form) {
  const row = session.row?.isConnected ? session.row : editor.add();
  if (!row) return;
  copy(form, row);
  row.querySelector("[data-question]")?.remove();
  editor.current = row;
  editor.changed(row);
}

// One more, one less: what is no number yet becomes the step itself.
function stepQuantity(form, by, show) {
  let text = value(form, "quantity");
  try {
    text = parseDecimal(text);
  } catch (error) {
    if (!(error instanceof NumberError)) throw error;
    text = "0";
  }
  const [whole, decimals = ""] = text.split(".");
  const places = 10n ** BigInt(decimals.length);
  const next = BigInt(whole + decimals) + by * places;
  const sign = next < 0n ? "-" : "";
  const digits = String(next < 0n ? -next : next).padStart(decimals.length + 1, "0");
  setValue(form, "quantity", sign + (decimals ? `${digits.slice(0, -decimals.length)}.${digits.slice(-decimals.length)}` : digits));
  typed(form).add("quantity");
  show();
}
