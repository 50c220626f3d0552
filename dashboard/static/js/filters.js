// The filter builder of a list: column, condition, value; the result is one parameter of the URL (`total.gte=100`).
import { enhance } from "./select.js";
import { visit } from "./list.js";

const NUMBERS = new Set(["money", "number", "percent"]);
const DAYS = new Set(["date", "moment"]);

function input(type, label) {
  const made = document.createElement("input");
  made.className = "form-control";
  made.type = type;
  made.maxLength = 200;
  made.setAttribute("aria-label", label);
  return made;
}

function select(pairs, label, multiple = false) {
  const made = document.createElement("select");
  made.className = "form-select";
  made.multiple = multiple;
  made.setAttribute("aria-label", label);
  for (const [value, text] of pairs) made.add(new Option(text, value));
  return made;
}

const asPairs = (choices) => (Array.isArray(choices) ? choices : Object.entries(choices ?? {}));

function controls(column, operator) {
  if (operator === "empty") return [select([["yes", "Yes"], ["no", "No"]], "Value")];
  if (column.kind === "flag" || column.kind === "bool") return [select([["yes", "Yes"], ["no", "No"]], "Value")];
  if (column.kind === "choice" || column.kind === "badge") return [select(asPairs(column.choices), "Value", operator === "in")];
  if (column.kind === "key") {
    const made = select([["", ""]], "Value", operator === "in");
    Object.assign(made.dataset, { select: "remote", searchUrl: column.lookup });
    return [made];
  }
  const type = DAYS.has(column.kind) ? "date" : "text";
  const made = operator === "between" ? [input(type, "From"), input(type, "To")] : [input(type, "Value")];
  if (NUMBERS.has(column.kind)) for (const one of made) one.inputMode = "decimal";
  return made;
}

export function filterBuilder() {
  return {
    field: "", operator: "", problem: "", columns: [],
    init() {
      this.columns = JSON.parse(this.$el.dataset.filters);
      this.field = this.columns[0].name;
      this.restart();
    },
    column() {
      return this.columns.find((one) => one.name === this.field);
    },
    restart() {
      const offered = this.column().operators.map((one) => (Array.isArray(one) ? one : [one.name, one.label]));
      this.$refs.operators.replaceChildren(...offered.map(([name, label]) => new Option(label, name)));
      this.operator = offered[0][0];
      this.$refs.operators.value = this.operator;
      this.draw();
    },
    draw() {
      this.problem = "";
      this.operator = this.$refs.operators.value;
      const label = document.createElement("span");
      label.className = "label";
      label.textContent = this.operator === "between" ? "From and to" : "Value";
      const row = document.createElement("div");
      row.className = "d-grid gap-2";
      row.append(...controls(this.column(), this.operator));
      this.$refs.values.replaceChildren(label, row);
      enhance(row);
    },
    apply() {
      const values = [...this.$refs.values.querySelectorAll("input.form-control, select")].map((one) => (one.multiple ? [...one.selectedOptions].map((option) => option.value).join(",") : one.value.trim()));
      const text = this.operator === "between" ? values.join("..") : values[0];
      if (!text || text === "..") {
        this.problem = "Please give a value to look for.";
        return;
      }
      this.$root.closest("details").open = false;
      visit((query) => query.set(`${this.field}.${this.operator}`, text));
    },
  };
}
