// The form of a new record is there to be filled: its first needed field that is empty has the focus.
export function startFresh() {
  const form = document.querySelector("form[data-fresh]");
  // On a touch screen the keyboard would jump up and hide half of the page.
  if (!form || !matchMedia("(pointer: fine)").matches || document.activeElement !== document.body || form.querySelector("[data-errors]")) return;
  const field = [...form.querySelectorAll("[required]")].find((one) => !one.closest("table") && !one.value);
  if (!field) return;
  if (!field.tomselect) return field.focus({ preventScroll: true });
  // Its list opens at a click or at the first letter, not by itself over the rest of the page.
  const { control_input: input, settings } = field.tomselect;
  const { preload } = settings;
  Object.assign(settings, { preload: false, openOnFocus: false });
  input.focus({ preventScroll: true });
  setTimeout(() => Object.assign(settings, { preload, openOnFocus: true }));
}
