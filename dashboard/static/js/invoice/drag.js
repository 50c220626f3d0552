// Lines are dragged by their number. With the keyboard: Alt and an arrow.
export function startDrag(editor) {
  const { body } = editor;
  let dragged = null;
  body.addEventListener("dragstart", (event) => {
    const grip = event.target.closest?.("[data-grip]");
    if (!grip) return;
    dragged = grip.closest("[data-line]");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(dragged, 20, 20);
    dragged.classList.add("is-dragged");
  });
  body.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    const over = event.target.closest("[data-line]");
    if (!over || over === dragged) return;
    const { top, height } = over.getBoundingClientRect();
    const next = event.clientY < top + height / 2 ? over : over.nextElementSibling;
    if (next !== dragged && next !== dragged.nextElementSibling) body.insertBefore(dragged, next);
  });
  body.addEventListener("drop", (event) => { if (dragged) event.preventDefault(); });
  body.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("is-dragged");
    dragged = null;
    editor.reordered();
  });
}
