// Choosing the customer: the "To" block, the currency, the default tax, and the due date that follows.
import { UNREACHABLE, isSignedOut, said } from "../page.js";
import { signIn } from "../sign-in.js";
import { toast } from "../toasts.js";
import { clearError, isBlank, packageInput, setValue, showError, typed, value } from "./line.js";

export function startCustomer(editor) {
  const { form } = editor;
  const field = form.elements.customer_id;
  const [issued, due] = [form.elements.issue_date, form.elements.due_date];
  // The due date follows the invoice date until it is typed by hand.
  editor.dueFollows = !due.value || due.value === dueOf(editor);
  follow(editor);
  field.addEventListener("change", () => choose(editor, field.value));
  issued.addEventListener("change", () => follow(editor));
  issued.addEventListener("input", () => follow(editor));
  due.addEventListener("input", () => { editor.dueFollows = !due.value; });
}

function dueOf({ form, customer }) {
  const issued = form.elements.issue_date.value;
  if (!issued || !customer) return "";
  const day = new Date(`${issued}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + customer.due_days);
  return Number.isNaN(day.getTime()) || day.getUTCFullYear() > 2999 ? "" : day.toISOString().slice(0, 10);
}

function follow(editor) {
  const wanted = editor.dueFollows && dueOf(editor);
  if (wanted) editor.form.elements.due_date.value = wanted;
}

async function choose(editor, key) {
  if (!key) return show(editor, null);
  const response = await fetch(`${editor.form.dataset.customers}${key}.json`, { headers: { Accept: "application/json" } }).catch(() => null);
  if (response && isSignedOut(response)) return (await signIn()) ? choose(editor, key) : undefined;
  // Another one was chosen meanwhile.
  if (editor.form.elements.customer_id.value !== key) return;
  if (!response?.ok) return toast((response && (await said(response))) || UNREACHABLE, "bad");
  show(editor, await response.json());
}

function show(editor, customer) {
  const { form, data } = editor;
  data.customer = customer;
  form.querySelector("[data-to]").hidden = !customer;
  form.querySelector("[data-to-hint]").hidden = Boolean(customer);
  if (!customer) return;
  const vat = customer.vat_number ? [`VAT ${customer.vat_number}`] : [];
  const lines = [...customer.address, ...vat].map((text) => words("span", text));
  form.querySelector("[data-buyer]").replaceChildren(words("strong", customer.name), ...lines);
  const former = data.tax;
  data.tax = { percent: customer.tax_percent, name: customer.tax_name };
  data.currency = customer.currency;
  retax(editor, former);
  checkPackages(editor);
  follow(editor);
  for (const line of editor.lines()) editor.totals.changed(line);
  editor.changed();
}

function words(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

// Free lines whose tax nobody typed take the new customer's.
function retax({ data, body }, former) {
  for (const line of body.children) {
    if (value(line, "package_id") || typed(line).has("tax_percent") || typed(line).has("tax_name")) continue;
    if (value(line, "tax_percent") !== former.percent && !isBlank(line)) continue;
    setValue(line, "tax_percent", data.tax.percent);
    setValue(line, "tax_name", data.tax.name);
  }
}

/** A package is priced in one currency: say at each line where it is not this customer's. */
export function checkPackages(editor) {
  const code = editor.data.currency.code;
  let wrong = 0;
  for (const line of editor.lines()) {
    if (!value(line, "package_id")) continue;
    const own = line.dataset.packageCurrency;
    if (!own || own === code) {
      clearError(line, "package_id");
      continue;
    }
    wrong += 1;
    const name = packageInput(line).value;
    showError(line, "package_id", `${name} is priced in ${own}, and this invoice is in ${code}. Choose a package in ${code}, or clear the package and keep the line.`);
  }
  if (wrong) toast(`The currency is now ${code}: ${wrong === 1 ? "1 marked line has a package" : `${wrong} marked lines have packages`} priced in another one.`, "warn");
}
