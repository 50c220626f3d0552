// A choice that brings its amount along: data-suggested maps each value to what the form's amount becomes.
document.addEventListener("change", ({ target }) => {
  if (!target.dataset?.suggested || !target.form) return;
  const wanted = JSON.parse(target.dataset.suggested)[target.value];
  const amount = target.form.elements.amount;
  if (wanted === undefined || !amount) return;
  amount.value = wanted;
  amount.dispatchEvent(new Event("input", { bubbles: true }));
});
