// Searchable drop-downs (Tom Select).
//   data-select="search"  a long list that is already in the page
//   data-select="remote"  data-search-url answers ?q= with [{value, text, note}]
//                         data-search-with="customer,currency" adds those fields of the form to the question
//   data-select="tags"    words separated by commas
import { onContent, within } from "./page.js";

export function startSelects() {
  onContent((root) => enhance(root));
}

// At once, not after another fetch: whoever types early types into the control that stays.
export function enhance(root) {
  const found = within(root, "[data-select], select[data-search-url]").filter((one) => !one.tomselect && !one.dataset.enhanced);
  for (const one of found) {
    one.dataset.enhanced = "1";
    make(one);
  }
}

function make(element) {
  const kind = element.dataset.select ?? "remote";
  const options = { maxOptions: 200, placeholder: element.dataset.placeholder ?? "", hidePlaceholder: true, dropdownParent: element.closest("dialog") ? null : "body", closeAfterSelect: !element.multiple, plugins: element.multiple || kind === "tags" ? ["remove_button"] : [], render: renderers() };
  if (kind === "remote") Object.assign(options, remote(element));
  if (kind === "tags") Object.assign(options, { create: true, delimiter: ",", persist: false, createOnBlur: true, render: { ...renderers(), no_results: null } });
  const made = new window.TomSelect(element, options);
  // The control that is typed into has the label now; the element behind it is no longer for readers.
  element.setAttribute("aria-hidden", "true");
  made.dropdown_content.removeAttribute("aria-labelledby");
  made.dropdown_content.setAttribute("aria-label", "What can be chosen");
  describe(element, made);
  if (element.matches("[autofocus]")) made.focus();
}

// The field's help and error belong to the control that is typed into.
function describe(element, made) {
  for (const name of ["aria-describedby", "aria-invalid"]) {
    const value = element.getAttribute(name);
    if (value) made.control_input.setAttribute(name, value);
  }
  if (element.getAttribute("aria-invalid")) made.wrapper.classList.add("is-invalid");
}

function renderers() {
  return {
    option: (data, escape) => `<div>${escape(data.text)}${data.note ? `<small>${escape(data.note)}</small>` : ""}</div>`,
    no_results: () => '<div class="no-results">Nothing found</div>',
    loading: () => '<div class="no-results">Searching…</div>',
  };
}

function remote(element) {
  return {
    valueField: "value", labelField: "text", searchField: [], preload: "focus", loadThrottle: 200, refreshThrottle: 0, sortField: [{ field: "$order" }],
    shouldLoad: () => true,
    onType() { this.clearOptions((option) => this.items.includes(option.value)); },
    load(words, done) {
      const url = new URL(element.dataset.searchUrl, location.href);
      url.searchParams.set("q", words);
      for (const name of (element.dataset.searchWith ?? "").split(",").filter(Boolean)) {
        const field = element.form?.elements[name];
        if (field?.value) url.searchParams.set(name, field.value);
      }
      const before = this.items.join();
      // A choice made meanwhile ends the search: its answer must not open the list again, nor take the focus
      // back from the field that the reader has gone on to.
      const isOver = () => this.items.join() !== before || (words && before && !this.control_input.value);
      const finish = (rows) => {
        if (document.activeElement !== this.control_input) this.isFocused = false;
        const over = isOver();
        done(over ? undefined : rows);
        if (over) this.close(false);
      };
      if (isOver()) return finish();
      fetch(url, { headers: { Accept: "application/json" } })
        .then((response) => (response.ok ? response.json() : []))
        .then((body) => finish(Array.isArray(body) ? body : body.results ?? []))
        .catch(() => done());
    },
  };
}
