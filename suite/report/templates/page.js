// Draws the charts one after the other, and highlights a member or hides a legend entry in all of them.
"use strict";
{ // a separate scope, since the libraries define short global names
const LOOK = { font: "system-ui, sans-serif", axis: { gridColor: "#e8ecf0", labelFontSize: 11, titleFontSize: 12 },
               legend: { labelFontSize: 12, symbolOpacity: 1, symbolStrokeWidth: 1.6 }, view: { stroke: null }, title: { anchor: "start", fontSize: 12 },
               background: null };
const FIELDS = ["series", "hue", "quantity", "cause", "group", "kind", "predictor", "along"];
const OMITTED = ["picture", "hue", "panel", "axis", "member", "label_right", "label_left", "letter", "place"];
const LONGEST = 300;
const MOST_ATTEMPTS = 5, SPARE = 8;  // to draw a chart that fits its column; pixels less at each further attempt
const columnWidth = () => Math.floor(document.querySelector("main").clientWidth);
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const members = read("members");
const drawn = new Map();  // name of a chart -> { view, spec, marks }
const hidden = new Set();
let highlighted = null, held = false;

function unpacked(spec) {
  for (const [name, { rows, columns }] of Object.entries(spec.datasets)) {
    const found = Array.from({ length: rows }, () => ({}));
    for (const [column, values] of Object.entries(columns)) {
      for (let row = 0; row < rows; row += 1) {
        found[row][column] = Array.isArray(values) ? values[row]
          : values !== null && typeof values === "object" ? values.words[values.at[row]] : values;
      }
    }
    spec.datasets[name] = found;
  }
  return spec;
}

// Return the data sets with the titles of their panels, in the order of the panels.
function panels(spec) {
  const titles = new Map();
  const title = (channel) => {
    const given = channel && (channel.title || channel.field);
    return Array.isArray(given) ? given.join(" ") : given;
  };
  const walk = (node, data) => {
    const name = (node.data && node.data.name) || data;
    const encoding = node.encoding || {};
    const called = title(encoding.y) || title(encoding.x) || (node.facet && node.title);
    if (name && called && !titles.has(name)) titles.set(name, called);
    for (const part of ["layer", "hconcat", "vconcat", "concat"]) (node[part] || []).forEach((each) => walk(each, name));
    if (node.spec) walk(node.spec, name);
  };
  walk(spec, null);
  return Object.entries(spec.datasets).map(([name, rows]) => ({ title: titles.get(name) || "", rows }))
    .filter(({ rows }) => rows.length > 1 || Object.keys(spec.datasets).length === 1);
}

function columnsOf(rows, all) {
  const names = Object.keys(rows[0] || {});
  return names.filter((name) => (all || !OMITTED.includes(name)) && name !== "picture"
    && rows.some((row) => row[name] !== null && row[name] !== undefined && row[name] !== ""));
}

function asTable({ title, rows }) {
  const names = columnsOf(rows, false), table = document.createElement("table");
  const add = (parent, tag, text) => { const made = parent.appendChild(document.createElement(tag));
                                       if (text !== undefined) made.textContent = text; return made; };
  add(table, "caption", title + (rows.length > LONGEST ? ": first " + LONGEST + " of " + rows.length + " rows" : ""));
  const head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
  for (const name of names) add(head, "th", name === "along" ? axisOf(rows) : name).scope = "col";
  for (const row of rows.slice(0, LONGEST)) {
    const line = add(body, "tr");
    for (const name of names) {
      const value = row[name], cell = add(line, "td", value === null || value === undefined ? ""
        : typeof value === "number" ? String(Number(value.toPrecision(4))) : value);
      if (typeof value === "string") cell.className = "text";
    }
  }
  return table;
}

const axisOf = (rows) => (rows.find((row) => row.axis) || { axis: document.body.dataset.axis }).axis;

function asCsv(found) {
  const names = [...new Set(found.flatMap(({ rows }) => columnsOf(rows, true)))];
  // Text that a spreadsheet would run as a formula; the name of a predictor with a minus sign before it is not one.
  const runs = (value) => typeof value === "string" && /^'*[=+@\t\r-]/.test(value) && !/^-[\w.]+$/.test(value);
  const cell = (value) => { const text = value === null || value === undefined ? "" : (runs(value) ? "'" : "") + value;
                            return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text; };
  const lines = found.flatMap(({ title, rows }) => rows.map((row) => [title, ...names.map((name) => row[name])]));
  return [["panel", ...names], ...lines].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

async function contentOf(name, kind) {
  const { spec } = drawn.get(name);
  if (kind === "csv") return new Blob([asCsv(panels(spec))], { type: "text/csv" });
  if (kind === "json") return new Blob([JSON.stringify(spec, null, 1)], { type: "application/json" });
  // Draw the chart again, on white, with nothing highlighted and nothing hidden.
  const { view } = await vegaEmbed(document.createElement("div"), { ...spec, background: "white" }, { actions: false, renderer: "svg" });
  try {
    if (kind === "svg") return new Blob([await view.toSVG()], { type: "image/svg+xml" });
    const [, written] = (await view.toCanvas(3)).toDataURL("image/png").split(",");
    return new Blob([Uint8Array.from(atob(written), (letter) => letter.charCodeAt(0))], { type: "image/png" });
  } finally { view.finalize(); }
}

async function download(name, kind) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await contentOf(name, kind));
  link.download = document.body.dataset.study + "-" + name + "." + kind;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Return the drawn elements with their data: Vega stores the item that an element shows in the element.
function marksOf(chart) {
  const found = [];
  for (const element of chart.querySelectorAll("svg .role-mark > *")) {
    const item = element.__data__;
    if (!item || !item.datum || item.mark.marktype === "group") continue;
    const items = ["line", "area", "trail"].includes(item.mark.marktype) ? item.mark.items : [item];
    const data = items.map((each) => each.datum);
    found.push({ element, data, members: new Set(data.map((datum) => datum.member).filter(Boolean)) });
  }
  return found;
}

function show() {
  let charts = 0;
  for (const { marks } of drawn.values()) {
    const there = highlighted !== null && marks.some((mark) => mark.members.has(highlighted));
    charts += there;
    for (const { element, data, members: some } of marks) {
      element.classList.toggle("dim", there && some.size > 0 && !some.has(highlighted));
      element.classList.toggle("off", FIELDS.some((field) => hidden.has(field + " " + data[0][field])));
    }
  }
  for (const label of document.querySelectorAll(".chart [data-hides]")) {
    const isHidden = hidden.has(label.dataset.hides);
    label.classList.toggle("hidden-entry", isHidden);
    label.setAttribute("aria-pressed", String(!isHidden));
  }
  const bar = document.getElementById("highlighted");
  bar.hidden = !((held && highlighted !== null) || hidden.size);
  const said = [];
  if (held && highlighted !== null) said.push((members[highlighted] || highlighted) + ": highlighted in " + charts + (charts === 1 ? " chart" : " charts"));
  if (hidden.size) said.push("hidden: " + [...hidden].map((each) => each.slice(each.indexOf(" ") + 1)).join(", "));
  document.getElementById("highlighted-text").textContent = said.join("; ");
}

function highlight(member, hold) { highlighted = member; held = hold && member !== null; show(); }

function toggleHidden(key) { if (!hidden.delete(key)) hidden.add(key); show(); }

// Make legend entries buttons that hide and show the rows with their value.
function legends(chart, marks) {
  const keyOf = (value) => {
    const field = FIELDS.find((each) => marks.some(({ data }) => data.some((datum) => String(datum[each]) === String(value))));
    return field === undefined ? null : field + " " + value;
  };
  const names = new Map();
  for (const text of chart.querySelectorAll(".role-legend-label text")) {
    const value = text.__data__ && text.__data__.datum && text.__data__.datum.value;
    const key = value === undefined || value === null ? null : keyOf(value);
    if (key === null) continue;
    names.set(String(value), key);
    text.dataset.hides = key;
    text.setAttribute("tabindex", "0");
    text.setAttribute("role", "button");
    text.setAttribute("aria-pressed", "true");
    text.setAttribute("aria-label", "show " + value);
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      toggleHidden(key);
    });
  }
  chart.addEventListener("click", (event) => {
    const entry = event.target.closest(".role-legend-label > *, .role-legend-symbol > *");
    const datum = entry && entry.__data__ && entry.__data__.datum;
    if (datum && names.has(String(datum.value))) toggleHidden(names.get(String(datum.value)));
  });
}

// Listen to a chart, which may be drawn again later.
function listen(name, chart) {
  const marks = () => drawn.get(name).marks;
  const memberAt = (target) => {
    const element = target.closest && target.closest(".role-mark > *");
    const mark = element && marks().find((each) => each.element === element);
    return mark && mark.members.size === 1 ? [...mark.members][0] : null;
  };
  chart.addEventListener("pointerover", (event) => {
    const member = memberAt(event.target);
    if (!held && member !== highlighted) highlight(member, false);
  });
  chart.addEventListener("pointerleave", () => { if (!held && highlighted !== null) highlight(null, false); });
  chart.addEventListener("click", (event) => {
    const member = memberAt(event.target);
    if (member !== null) highlight(held && highlighted === member ? null : member, true);
  });
  chart.addEventListener("keydown", (event) => {
    const order = [...new Set(marks().flatMap((mark) => [...mark.members]))];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") { highlight(null, false); return; }
    if (!step || !order.length) return;
    event.preventDefault();
    const at = order.indexOf(highlighted);
    highlight(order[at < 0 ? (step > 0 ? 0 : order.length - 1) : (at + step + order.length) % order.length], true);
    const points = marks().filter((mark) => mark.members.size === 1 && mark.members.has(highlighted)).slice(0, 4);
    const said = points.map(({ element }) => element.getAttribute("aria-label")).filter(Boolean);
    document.getElementById("said").textContent = [members[highlighted] || highlighted, ...new Set(said)].join(". ");
  });
}

// Fill the table of a chart's data when both the table is open and the chart is drawn.
function fill(details) {
  const place = details.querySelector(".scroll"), known = drawn.get(details.dataset.table);
  if (details.open && known && !place.firstChild) place.append(...panels(known.spec).map(asTable));
}

// Enable the downloads and the table of a chart, which need its data.
function serve(name) {
  for (const button of document.querySelectorAll("button[data-kind]")) if (button.dataset.chart === name) button.disabled = false;
  for (const details of document.querySelectorAll("details[data-table]")) if (details.dataset.table === name) fill(details);
}

// Draw a chart that fits its column: the exact widths of axes and legends are known only after it has been drawn.
async function embed(place, given, width) {
  for (let aim = width, attempt = 1; ; attempt += 1) {
    const spec = layout(given, aim);
    const { view } = await vegaEmbed(place, spec, { renderer: "svg", actions: false });
    const actual = Number(place.querySelector("svg").getAttribute("width"));
    if (attempt === MOST_ATTEMPTS || actual <= width) return { view, spec };
    view.finalize();
    aim -= actual - width + SPARE * (attempt - 1);
  }
}

async function draw(source) {
  const name = source.id.slice("data-".length), chart = document.getElementById("chart-" + name);
  try {
    const before = drawn.get(name), place = document.createElement("div");
    const given = before ? before.given : unpacked(JSON.parse(source.textContent));
    given.config = { ...given.config, ...LOOK };
    chart.replaceChildren(place);
    const { view, spec } = await embed(place, given, columnWidth());
    const marks = marksOf(place);
    drawn.set(name, { view, given, spec, marks });
    legends(place, marks);
    if (before) before.view.finalize();
    else listen(name, chart);
    if (highlighted !== null || hidden.size) show();
    serve(name);
    chart.dataset.drawn = "yes";
  } catch (error) {
    console.error("chart " + name + ": " + error.message);
  }
}

for (const button of document.querySelectorAll("button[data-kind]")) {
  button.addEventListener("click", () => download(button.dataset.chart, button.dataset.kind));
}
for (const details of document.querySelectorAll("details[data-table]")) {
  details.addEventListener("toggle", () => fill(details));
}
document.getElementById("clear").addEventListener("click", () => { hidden.clear(); highlight(null, false); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") { hidden.clear(); highlight(null, false); } });

const root = document.documentElement, scheme = document.getElementById("scheme");
const isDark = () => (root.dataset.scheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const labelScheme = () => { scheme.textContent = isDark() ? "Light mode" : "Dark mode"; };
try { root.dataset.scheme = localStorage.getItem("scheme") || ""; } catch { root.dataset.scheme = ""; }
scheme.addEventListener("click", () => {
  root.dataset.scheme = isDark() ? "light" : "dark";
  try { localStorage.setItem("scheme", root.dataset.scheme); } catch { /* pages opened from a file may have no storage */ }
  labelScheme();
});
labelScheme();

// Draw one chart after the other, with a pause between them, so that the page stays responsive.
async function drawAll() {
  const width = columnWidth();
  for (const source of document.querySelectorAll('script[id^="data-"]')) {
    await draw(source);
    await new Promise((next) => { setTimeout(next); });
  }
  if (columnWidth() !== width) return drawAll();  // the window has changed in the meantime
  document.body.dataset.ready = "yes";
}

let drawing = drawAll(), lastWidth = columnWidth();
window.addEventListener("resize", () => {
  if (columnWidth() === lastWidth) return;
  lastWidth = columnWidth();
  drawing = drawing.then(drawAll);
});

window.report = { drawn, contentOf };
}
