// Live totals: each line's net and row total, then Sub Total, Tax a name and rate, and Total.
import { computeTotals, formatMoney } from "../money.js";
import { figures, isBlank } from "./line.js";

// Only what differs touches the page.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

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
      write(out, text);
    }
  }

  money(amount, options) {
    return formatMoney(amount, this.editor.data.currency, options);
  }

  drawSums(totals, missing) {
    const { form, data } = this.editor;
    const set = (name, amount, options) => write(form.querySelector(`[data-sum="${name}"]`), this.money(amount, options));
    set("subtotal", totals.subtotal);
    set("tax", totals.tax);
    set("total", totals.total, { code: true });
    set("total-code", totals.total, { code: true });
    this.drawGroups(totals.groups);
    const words = [data.tax_inclusive ? "Unit prices include tax." : "", missing ? `${missing === 1 ? "1 line is" : `${missing} lines are`} left out until the numbers in it can be read.` : ""];
    write(form.querySelector("[data-remark]"), words.join(" ").trim());
  }

  drawGroups(groups) {
    const shown = [...this.editor.form.querySelectorAll("[data-tax-group]")];
    for (const old of shown.splice(groups.length)) old.remove();
    groups.forEach(({ name, percent, net, tax }, at) => {
      const row = shown[at] ?? this.newGroup();
      write(row.firstElementChild, `${name || "Tax"} ${percent}% of ${this.money(net)}`);
      write(row.lastElementChild, this.money(tax));
    });
  }

  newGroup() {
    const row = document.createElement("div");
    row.className = "sub";
    row.dataset.taxGroup = "";
    row.append(document.createElement("dt"), document.createElement("dd"));
    this.editor.form.querySelector("[data-totals] .grand").before(row);
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
