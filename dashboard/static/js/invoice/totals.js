// Live totals: each line's net and row total, then Sub Total, Tax a name and rate, and Total.
import { computeTotals, formatMoney } from "../money.js";
import { figures, isBlank } from "./line.js";

export class Totals {
  constructor(editor) {
    this.editor = editor;
    this.known = new WeakMap();
    this.waiting = false;
  }

  /** A line changed: read it again, and draw once before the next paint. */
  changed(line) {
    if (line) this.known.delete(line);
    if (this.waiting) return;
    this.waiting = true;
    queueMicrotask(() => { this.waiting = false; this.draw(); });
  }

  figuresOf(line) {
    if (!this.known.has(line)) this.known.set(line, figures(line));
    return this.known.get(line);
  }

  compute(lines) {
    const { currency, tax_mode: mode, tax_inclusive: inclusive } = this.editor.data;
    return computeTotals(lines, { exponent: currency.exponent, mode, inclusive });
  }

  draw() {
    const rows = this.editor.lines();
    const counted = rows.filter((row) => this.figuresOf(row));
    const totals = this.compute(counted.map((row) => this.figuresOf(row)));
    const shown = new Map(counted.map((row, at) => [row, totals.lines[at]]));
    for (const row of rows) this.drawLine(row, shown.get(row));
    this.drawSums(totals, rows.filter((row) => !shown.has(row) && !isBlank(row)).length);
  }

  drawLine(row, figures, options) {
    for (const out of row.querySelectorAll("[data-out]")) {
      const text = figures ? this.money(figures[out.dataset.out], options) : "–";
      if (out.textContent !== text) out.textContent = text;
    }
  }

  money(amount, options) {
    return formatMoney(amount, this.editor.data.currency, options);
  }

  drawSums(totals, missing) {
    const { form, data } = this.editor;
    const set = (name, text) => { form.querySelector(`[data-sum="${name}"]`).textContent = text; };
    set("subtotal", this.money(totals.subtotal));
    set("tax", this.money(totals.tax));
    set("total", this.money(totals.total, { code: true }));
    set("total-code", this.money(totals.total, { code: true }));
    for (const old of form.querySelectorAll("[data-tax-group]")) old.remove();
    const groups = totals.groups.map((group) => this.group(group));
    form.querySelector("[data-tax-sum]").after(...groups);
    const words = [data.tax_inclusive ? "Unit prices include tax." : "", missing ? `${missing === 1 ? "1 line is" : `${missing} lines are`} left out until the numbers in it can be read.` : ""];
    form.querySelector("[data-remark]").textContent = words.join(" ").trim();
  }

  group({ name, percent, net, tax }) {
    const row = document.createElement("div");
    row.className = "sub";
    row.dataset.taxGroup = "";
    const [term, amount] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = `${name || "Tax"} ${percent}% of ${this.money(net)}`;
    amount.textContent = this.money(tax);
    row.append(term, amount);
    return row;
  }

  /** Net and total that a line would have among the others: `line` stands for `row`, or is one more. */
  ofOne(line, row) {
    const own = figures(line);
    if (!own) return null;
    const rows = this.editor.lines();
    const counted = rows.filter((one) => one === row || this.figuresOf(one));
    const all = counted.map((one) => (one === row ? own : this.figuresOf(one)));
    const at = counted.indexOf(row);
    return this.compute(at < 0 ? [...all, own] : all).lines.at(at);
  }
}
