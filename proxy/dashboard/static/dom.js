// Makes elements. Text becomes text, whatever it holds: names of models and of errors come from strangers.

const SVG = "http://www.w3.org/2000/svg";

/** An element of HTML. `attributes` are set as they are; children are nodes or text. */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An element of SVG. */
export function s(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) element.append(child);
  return element;
}

/** The element with this id. */
export function at(id) {
  return document.getElementById(id);
}

/** Puts children in place of what an element held. */
export function put(id, ...children) {
  at(id).replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

/** A table. `columns` are [heading, class]; `rows` are arrays of cells, each text or nodes; the first cell heads its row. */
export function table(label, columns, rows) {
  const cells = (row) => row.map((cell, number) => h(number ? "td" : "th", { class: columns[number][1], scope: number ? null : "row" }, cell));
  return h(
    "table",
    { "aria-label": label },
    h("thead", {}, h("tr", {}, columns.map(([heading, kind]) => h("th", { class: kind, scope: "col" }, heading)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, cells(row)))),
  );
}

/** Words for where there is nothing to show. */
export function nothing(text) {
  return h("p", { class: "nothing" }, text);
}
