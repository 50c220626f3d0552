// The charts of the first page. Each is drawn from the table beside it, so that both have the same numbers.
import { onContent, within } from "./page.js";

const charts = new Map();
// The ages from current to the oldest, in the colours of the theme.
const AGE_COLOURS = ["--accent", "--warn", "--warn", "--bad", "--bad"];
const AGE_STRENGTHS = [1, 0.55, 1, 0.65, 1];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A colour of the theme mixed with the surface that it lies on. */
function mixed(name, strength) {
  const part = (hex, at) => parseInt(hex.slice(1 + at * 2, 3 + at * 2), 16);
  const full = (hex) => (hex.length === 4 ? "#" + [...hex.slice(1)].map((one) => one + one).join("") : hex);
  const [over, under] = [full(colour(name)), full(colour("--surface"))];
  const parts = [0, 1, 2].map((at) => Math.round(part(over, at) * strength + part(under, at) * (1 - strength)));
  return `rgb(${parts.join(" ")})`;
}

function read(cell) {
  return { value: Number(cell.dataset.value), text: cell.textContent.trim().replace(/\s+/g, " ") };
}

/** Months from the oldest: a row of the table each, a column a series. */
function months(table) {
  const rows = [...table.tBodies[0].rows].reverse();
  const heads = [...table.tHead.rows[0].cells];
  const series = heads.flatMap((head, at) => (head.dataset.series ? [{ head, at }] : []));
  return {
    labels: rows.map((row) => row.cells[0].dataset.point),
    sets: series.map(({ head, at }) => ({
      label: head.textContent.trim(),
      cells: rows.map((row) => read(row.cells[at])),
      colours: () => colour(head.dataset.series),
    })),
  };
}

/** The row of the chosen currency, a bar an age. */
function ages(table) {
  const row = table.querySelector("[data-drawn]");
  const heads = [...table.tHead.rows[0].cells].filter((head) => head.dataset.age);
  return {
    labels: heads.map((head) => head.dataset.short),
    sets: [{
      label: "Outstanding",
      cells: heads.map((head) => read(row.cells[head.cellIndex])),
      colours: () => AGE_COLOURS.map((name, at) => mixed(name, AGE_STRENGTHS[at])),
    }],
  };
}

const KINDS = { months, ages };

function options(kind, sets) {
  const [ink, line] = [colour("--ink-2"), colour("--line")];
  const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
  const values = {
    beginAtZero: true,
    grid: { color: line },
    border: { display: false },
    ticks: { color: ink, maxTicksLimit: 6, callback: (value) => short.format(value) },
  };
  const names = { grid: { display: false }, border: { color: line }, ticks: { color: ink, autoSkipPadding: 6, maxRotation: 0 } };
  return {
    responsive: true,
    maintainAspectRatio: false,
    // Figures need no motion, whatever the reader prefers.
    animation: false,
    scales: { x: names, y: values },
    plugins: {
      legend: { display: kind === "months", position: "top", align: "start", labels: { color: ink, boxWidth: 10, boxHeight: 10 } },
      tooltip: {
        backgroundColor: colour("--ink"), titleColor: colour("--surface"), bodyColor: colour("--surface"),
        callbacks: { label: (item) => ` ${item.dataset.label}: ${sets[item.datasetIndex].cells[item.dataIndex].text}` },
      },
    },
  };
}

function draw(canvas) {
  const table = document.getElementById(canvas.dataset.table);
  if (!table || !window.Chart) return;
  const { labels, sets } = KINDS[canvas.dataset.chart](table);
  window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  const datasets = sets.map((set) => ({
    label: set.label, data: set.cells.map((cell) => cell.value), backgroundColor: set.colours(), borderRadius: 3, maxBarThickness: 40,
  }));
  charts.set(canvas, new window.Chart(canvas, { type: "bar", data: { labels, datasets }, options: options(canvas.dataset.chart, sets) }));
}

function forget(gone) {
  for (const [canvas, chart] of charts) {
    if (!gone(canvas)) continue;
    chart.destroy();
    charts.delete(canvas);
  }
}

function redraw() {
  const canvases = [...charts.keys()];
  forget(() => true);
  for (const canvas of canvases) draw(canvas);
}

onContent((root) => {
  forget((canvas) => !canvas.isConnected);
  for (const canvas of within(root, "canvas[data-chart]")) if (!charts.has(canvas)) draw(canvas);
});
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
