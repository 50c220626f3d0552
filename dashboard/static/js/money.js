// The arithmetic of rules/money.py and rules/tax.py for live totals, on BigInt: no floating point anywhere.
// Numbers come and go as text. tests/rules/test_money_js.py drives both sides with the same lines.

export class NumberError extends Error {}

const SPACES = " \\t\\r\\n\\u00a0\\u2009\\u202f";
const TRIM = new RegExp(`^[${SPACES}]+|[${SPACES}]+$`, "gu");
const NUMBER =
  /^([+\-\u2212]?)([1-9][0-9]{0,2}([, \u00a0\u2009\u202f])[0-9]{3}(?:\3[0-9]{3})*|[0-9]*)(?:\.([0-9]*))?$/u;
const ONLY_MARKS = /^[+\-\u2212]?[0-9., \u00a0\u2009\u202f]*[0-9][0-9., \u00a0\u2009\u202f]*$/u;
const LONGEST = 60;

function digits(text) {
  if (text === "") throw new NumberError("Enter a number.");
  const characters = Array.from(text);
  if (characters.length > LONGEST) throw new NumberError("This is too long for a number.");
  const match = NUMBER.exec(text);
  if (match) {
    const whole = match[2].replace(/[^0-9]/gu, "");
    const decimals = match[4] ?? "";
    if (whole || decimals) {
      return { negative: match[1] !== "" && match[1] !== "+", whole: whole.replace(/^0+/u, ""), decimals };
    }
  }
  if (ONLY_MARKS.test(text)) {
    throw new NumberError("Use a point for decimals and commas only between thousands, such as 1,234.50.");
  }
  const shown = characters.length <= 20 ? text : `${characters.slice(0, 20).join("")}...`;
  throw new NumberError(`"${shown}" is not a number. Write it like 1,234.50.`);
}

// A typed number as plain text ("1234.50"); throws NumberError with the words the server would use.
export function parseDecimal(text, { places = null, maxDigits = 20 } = {}) {
  const { negative, whole, decimals: typed } = digits(text.replace(TRIM, ""));
  let decimals = typed;
  if (places !== null && decimals.length > places) {
    if (/[1-9]/u.test(decimals.slice(places))) {
      const unit = places === 1 ? "decimal" : "decimals";
      throw new NumberError(places ? `Use at most ${places} ${unit}.` : "Use a whole number.");
    }
    decimals = decimals.slice(0, places);
  }
  const room = maxDigits - (places === null ? decimals.length : places);
  if (whole.length > room) {
    throw new NumberError(
      places === null
        ? `Use at most ${maxDigits} digits.`
        : `This number is too big: use at most ${room} digits before the point.`,
    );
  }
  const sign = negative && /[1-9]/u.test(whole + decimals) ? "-" : "";
  return `${sign}${whole || "0"}${decimals ? "." : ""}${decimals}`;
}

// A decimal is {value, places}: value / 10^places.
function toFixed(text) {
  const plainText = parseDecimal(text, { maxDigits: LONGEST });
  const [whole, decimals = ""] = plainText.split(".");
  return { value: BigInt(whole + decimals), places: decimals.length };
}

function toText(value, places) {
  const sign = value < 0n ? "-" : "";
  const all = String(value < 0n ? -value : value).padStart(places + 1, "0");
  return places ? `${sign}${all.slice(0, -places)}.${all.slice(-places)}` : sign + all;
}

const magnitude = (value) => (value < 0n ? -value : value);

// The nearest whole number, halves away from zero. The denominator is positive.
function roundRatio(numerator, denominator) {
  const rounded = (2n * magnitude(numerator) + denominator) / (2n * denominator);
  return numerator >= 0n ? rounded : -rounded;
}

function roundFixed({ value, places }, target) {
  if (places <= target) return value * 10n ** BigInt(target - places);
  return roundRatio(value, 10n ** BigInt(places - target));
}

export function roundHalfUp(text, places) {
  return toText(roundFixed(toFixed(text), places), places);
}

// For an input: no needless zeros, at least minPlaces decimals.
export function plain(text, minPlaces = 0) {
  const { value, places } = toFixed(text);
  const [whole, decimals = ""] = toText(value, places).split(".");
  const kept = decimals.replace(/0+$/u, "").padEnd(minPlaces, "0");
  return kept ? `${whole}.${kept}` : whole;
}

// Whole shares adding up to total by largest remainder; see share() in rules/tax.py.
function share(total, numerators, denominator) {
  const cut = numerators.map((numerator) => numerator / denominator);
  const left = total - cut.reduce((sum, part) => sum + part, 0n);
  const step = left > 0n ? 1n : -1n;
  const lost = numerators.map((numerator, at) => step * (numerator - cut[at] * denominator));
  const order = [...lost.keys()].sort((a, b) => (lost[a] === lost[b] ? a - b : lost[a] > lost[b] ? -1 : 1));
  for (const at of order.slice(0, Number(magnitude(left)))) cut[at] += step;
  return cut;
}

function taxRatio({ value, places }, inclusive) {
  if (value < 0n) throw new NumberError("Tax % cannot be below 0.");
  const hundred = 100n * 10n ** BigInt(places);
  return inclusive ? [value, hundred + value] : [value, hundred];
}

function roundTax(amount, top, bottom, inclusive) {
  return inclusive ? amount - roundRatio(amount * (bottom - top), bottom) : roundRatio(amount * top, bottom);
}

const sum = (values) => values.reduce((total, value) => total + value, 0n);

function groupTaxes(amounts, percent, mode, inclusive) {
  const [top, bottom] = taxRatio(percent, inclusive);
  if (mode === "per_line") return amounts.map((amount) => roundTax(amount, top, bottom, inclusive));
  const whole = roundTax(sum(amounts), top, bottom, inclusive);
  return share(whole, amounts.map((amount) => amount * top), bottom);
}

function grouped(rows) {
  const groups = new Map();
  rows.forEach((row, at) => {
    const percent = plain(row.tax_percent);
    const key = JSON.stringify([row.tax_name ?? "", percent]);
    if (!groups.has(key)) {
      groups.set(key, { name: row.tax_name ?? "", percent, rate: toFixed(row.tax_percent), rows: [] });
    }
    groups.get(key).rows.push(at);
  });
  return [...groups.values()];
}

function lineAmount(row, exponent) {
  const quantity = toFixed(row.quantity);
  const price = toFixed(row.unit_price);
  return roundFixed(
    { value: quantity.value * price.value, places: quantity.places + price.places },
    exponent,
  );
}

// lines: [{quantity, unit_price, tax_percent, tax_name}], all text. Every figure of the result is text with
// the currency's decimals: {lines: [{net, tax, gross}], groups: [{name, percent, net, tax}], subtotal, tax, total}.
export function computeTotals(lines, { exponent, mode = "per_rate", inclusive = false }) {
  if (mode !== "per_rate" && mode !== "per_line") throw new RangeError(`No such tax mode: ${mode}`);
  const amounts = lines.map((row) => lineAmount(row, exponent));
  const money = (units) => toText(units, exponent);
  const shown = new Array(lines.length);
  const groups = [];
  let subtotal = 0n;
  let tax = 0n;
  for (const group of grouped(lines)) {
    const own = group.rows.map((at) => amounts[at]);
    const taxes = groupTaxes(own, group.rate, mode, inclusive);
    group.rows.forEach((at, place) => {
      const net = inclusive ? amounts[at] - taxes[place] : amounts[at];
      shown[at] = { net: money(net), tax: money(taxes[place]), gross: money(net + taxes[place]) };
    });
    const groupTax = sum(taxes);
    const groupNet = inclusive ? sum(own) - groupTax : sum(own);
    groups.push({ name: group.name, percent: group.percent, net: money(groupNet), tax: money(groupTax) });
    subtotal += groupNet;
    tax += groupTax;
  }
  return { lines: shown, groups, subtotal: money(subtotal), tax: money(tax), total: money(subtotal + tax) };
}

function write(text, form, code) {
  const negative = text.startsWith("-");
  const [whole, decimals = ""] = text.replace("-", "").split(".");
  const number =
    whole.replace(/\B(?=(?:[0-9]{3})+$)/gu, form.group) + (decimals ? form.decimal + decimals : "");
  if (code && form.symbol === form.code) return `${negative ? "-" : ""}${number} ${form.code}`;
  const shown = negative
    ? form.negative_prefix + number + form.negative_suffix
    : form.prefix + number + form.suffix;
  return code ? `${shown} ${form.code}` : shown;
}

// form: what currency_format() of rules/money.py gives, sent with the page.
export function formatMoney(amount, form, { code = false } = {}) {
  return write(roundHalfUp(amount, form.exponent), form, code);
}

// A unit price keeps every decimal it has.
export function formatPrice(price, form, { code = false } = {}) {
  return write(plain(price, form.exponent), form, code);
}
