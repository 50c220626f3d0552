// What happens when a field is left waits for the end of the press that left it: an error that comes or goes
// moves the page, and the button would slip away from under the finger.
const ENDS = ["pointerup", "pointercancel", "dragend"];
let pressed = false;
addEventListener("pointerdown", () => { pressed = true; }, { capture: true });
for (const kind of ENDS) addEventListener(kind, () => { pressed = false; }, { capture: true });

export function afterPress(act) {
  if (!pressed) return act();
  const done = () => {
    for (const kind of ENDS) removeEventListener(kind, done);
    // After the click that belongs to it.
    setTimeout(act);
  };
  for (const kind of ENDS) addEventListener(kind, done);
}
