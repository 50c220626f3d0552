// The periods of a Summary: check one, a range with Shift, or all; the button says how many.
const form = document.getElementById("usage-periods");
const button = document.querySelector("[data-picked]");

if (form && button) {
  const boxes = [...form.querySelectorAll("input[name=start]")];
  const every = form.querySelector("[data-pick-every]");
  const count = button.querySelector("[data-picked-count]");
  let last = null;

  const show = () => {
    const picked = boxes.filter((box) => box.checked).length;
    button.disabled = picked === 0;
    count.hidden = picked === 0;
    count.textContent = String(picked);
    every.checked = picked === boxes.length;
    every.indeterminate = picked > 0 && picked < boxes.length;
  };

  every.hidden = false;
  every.addEventListener("change", () => {
    for (const box of boxes) box.checked = every.checked;
    show();
  });
  form.addEventListener("click", (event) => {
    const at = boxes.indexOf(event.target);
    if (at < 0) return;
    const from = boxes.indexOf(last);
    if (event.shiftKey && from >= 0) for (const box of boxes.slice(Math.min(at, from), Math.max(at, from) + 1)) box.checked = event.target.checked;
    last = event.target;
    show();
  });
  // Boxes that a browser has kept checked when it came back to the page.
  addEventListener("pageshow", show);
  show();
}
