// The dates of a breakout: a span chosen shows its days, a day changed is a span of one's own.
const form = document.querySelector("[data-breakout]");
const dates = form?.elements.namedItem("dates");
const days = [form?.elements.namedItem("from"), form?.elements.namedItem("to")];

dates?.addEventListener("change", () => {
  const { from, to } = dates.selectedOptions[0].dataset;
  if (from) [days[0].value, days[1].value] = [from, to];
});
for (const day of days) day?.addEventListener("change", () => { dates.value = "days"; });
