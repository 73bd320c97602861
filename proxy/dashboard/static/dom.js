// Makes elements. Text becomes text, whatever it holds: names of models and of errors come from strangers.

const SVG = "http://www.w3.org/2000/svg";

/** An element of HTML. Attributes that are null are left out, and so are such children; others are nodes or text. */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An element of SVG. */
export function s(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}

/** The element with this id. */
export function at(id) {
  return document.getElementById(id);
}

/** Puts children in place of what an element held. */
export function put(id, ...children) {
  at(id).replaceChildren(...children.flat().filter((child) => child !== null));
}

/** A table. `columns` are [heading, class]; a row is an array of cells, each text or nodes, and the first heads it. */
export function table(label, columns, rows) {
  const headings = columns.map(([heading, kind]) => h("th", { class: kind, scope: "col" }, heading));
  const cellOf = (cell, number) => {
    const kind = columns[number][1];
    return number ? h("td", { class: kind }, cell) : h("th", { class: kind, scope: "row" }, cell);
  };
  const body = rows.map((row) => h("tr", {}, row.map(cellOf)));
  return h("table", { "aria-label": label }, h("thead", {}, h("tr", {}, headings)), h("tbody", {}, body));
}

/** Words for where there is nothing to show. */
export function nothing(text) {
  return h("p", { class: "nothing" }, text);
}
