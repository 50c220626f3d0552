// What else can be done with a line: one menu for the whole table.
import { focusCell, removeLine } from "./grid.js";
import { packageInput } from "./line.js";

export function startMenu(editor) {
  const menu = document.getElementById("line-menu");
  const items = [...menu.querySelectorAll("[data-menu-act]")];
  let line = null;
  let opener = null;
  const acts = {
    edit: () => editor.openLine(line),
    insert: () => { const made = editor.add(editor.blank(), line); if (made) focusCell(packageInput(made)); },
    duplicate: () => { const made = editor.duplicate(line); if (made) focusCell(packageInput(made)); },
    up: () => { editor.move(line, -1); opener.focus(); },
    down: () => { editor.move(line, 1); opener.focus(); },
    remove: () => removeLine(editor, line),
  };
  editor.body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-line-menu]");
    if (!button) return;
    opener = button;
    line = button.closest("[data-line]");
    menu.showPopover();
    stand(menu, button);
    items[0].focus();
  });
  menu.addEventListener("click", (event) => {
    const item = event.target.closest("[data-menu-act]");
    if (!item) return;
    menu.hidePopover();
    acts[item.dataset.menuAct]();
  });
  menu.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      event.preventDefault();
      items[(items.indexOf(document.activeElement) + by + items.length) % items.length].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      menu.hidePopover();
      opener.focus();
    }
  });
}

function stand(menu, button) {
  const { right, bottom, top } = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, right - width)}px`;
  menu.style.top = `${bottom + height + 8 > innerHeight ? Math.max(8, top - height - 4) : bottom + 4}px`;
}
