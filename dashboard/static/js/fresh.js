// The form of a new record is there to be filled: its first needed field that is empty has the focus.

/** Put the focus into the first needed field under `root` that is empty; false where there is none. */
export function focusEmpty(root) {
  const field = [...root.querySelectorAll("[required]")].find((one) => !one.closest("table") && one.name !== "comment" && !one.value && !one.disabled);
  if (field) focusQuietly(field);
  return Boolean(field);
}

/** Focus a field. A searched list opens at a click or at the first letter, not by itself over what is below it. */
export function focusQuietly(field) {
  if (!field.tomselect) return field.focus({ preventScroll: true });
  const { control_input: input, settings } = field.tomselect;
  const { preload } = settings;
  Object.assign(settings, { preload: false, openOnFocus: false });
  input.focus({ preventScroll: true });
  setTimeout(() => Object.assign(settings, { preload, openOnFocus: true }));
}

export function startFresh() {
  const form = document.querySelector("form[data-fresh]");
  // On a touch screen the keyboard would jump up and hide half of the page.
  if (!form || !matchMedia("(pointer: fine)").matches || document.activeElement !== document.body || form.querySelector("[data-errors]")) return;
  focusEmpty(form);
}
