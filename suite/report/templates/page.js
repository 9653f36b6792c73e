// The page's own script: it draws the charts one after the other, and lights a member, or leaves a setting out, in all.
"use strict";
{ // a scope of its own: the libraries' short names are everywhere else
const LOOK = { font: "system-ui, sans-serif", axis: { gridColor: "#e8ecf0", labelFontSize: 11, titleFontSize: 12 },
               legend: { labelFontSize: 12, symbolOpacity: 1, symbolStrokeWidth: 1.6 }, view: { stroke: null }, background: null };
const FIELDS = ["series", "hue", "what", "way", "group", "kind", "predictor", "along"];
const HIDDEN = ["picture", "hue", "panel", "axis", "member", "label_right", "label_left"];
const LONGEST = 300;
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const members = read("members");
const drawn = new Map();  // name of a chart -> { view, spec, marks }
const leftOut = new Set();
let lit = null, held = false;

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

// Data sets with what their panels are called, in the order of the panels.
function panels(spec) {
  const titles = new Map();
  const title = (channel) => {
    const given = channel && (channel.title || channel.field);
    return Array.isArray(given) ? given.join(" ") : given;
  };
  const walk = (node, data) => {
    const name = (node.data && node.data.name) || data;
    const encoding = node.encoding || {};
    const called = title(encoding.y) || title(encoding.x);
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
  return names.filter((name) => (all || !HIDDEN.includes(name)) && name !== "picture"
    && rows.some((row) => row[name] !== null && row[name] !== undefined && row[name] !== ""));
}

function asTable({ title, rows }) {
  const names = columnsOf(rows, false), table = document.createElement("table");
  const add = (parent, tag, text) => { const made = parent.appendChild(document.createElement(tag));
                                       if (text !== undefined) made.textContent = text; return made; };
  add(table, "caption", title + (rows.length > LONGEST ? ": the first " + LONGEST + " of " + rows.length + " rows" : ""));
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
  // Text that a spreadsheet would run as a formula; a name with a minus before it, as predictors have, is none.
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
  // Another drawing than the page's: on white, with nothing lit and nothing left out.
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

// What is drawn of each row: Vega leaves on every element of a mark the item that it shows.
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
    const there = lit !== null && marks.some((mark) => mark.members.has(lit));
    charts += there;
    for (const { element, data, members: some } of marks) {
      element.classList.toggle("dim", there && some.size > 0 && !some.has(lit));
      element.classList.toggle("off", FIELDS.some((field) => leftOut.has(field + " " + data[0][field])));
    }
  }
  for (const label of document.querySelectorAll(".chart [data-leaves-out]")) {
    const out = leftOut.has(label.dataset.leavesOut);
    label.classList.toggle("left-out", out);
    label.setAttribute("aria-pressed", String(!out));
  }
  const bar = document.getElementById("lit");
  bar.hidden = !((held && lit !== null) || leftOut.size);
  const said = [];
  if (held && lit !== null) said.push((members[lit] || lit) + ": lit in " + charts + (charts === 1 ? " chart" : " charts"));
  if (leftOut.size) said.push("left out: " + [...leftOut].map((each) => each.slice(each.indexOf(" ") + 1)).join(", "));
  document.getElementById("lit-text").textContent = said.join("; ");
}

function light(member, hold) { lit = member; held = hold && member !== null; show(); }

function leaveOut(key) { if (!leftOut.delete(key)) leftOut.add(key); show(); }

// A legend's entries become buttons; the fields that its values may be of are those that the chart's rows have.
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
    text.dataset.leavesOut = key;
    text.setAttribute("tabindex", "0");
    text.setAttribute("role", "button");
    text.setAttribute("aria-pressed", "true");
    text.setAttribute("aria-label", "show " + value);
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      leaveOut(key);
    });
  }
  chart.addEventListener("click", (event) => {
    const entry = event.target.closest(".role-legend-label > *, .role-legend-symbol > *");
    const datum = entry && entry.__data__ && entry.__data__.datum;
    if (datum && names.has(String(datum.value))) leaveOut(names.get(String(datum.value)));
  });
}

function listen(name, chart, marks) {
  const of = new Map(marks.map((mark) => [mark.element, mark]));
  const memberAt = (target) => {
    const mark = of.get(target.closest && target.closest(".role-mark > *"));
    return mark && mark.members.size === 1 ? [...mark.members][0] : null;
  };
  chart.addEventListener("pointerover", (event) => {
    const member = memberAt(event.target);
    if (!held && member !== lit) light(member, false);
  });
  chart.addEventListener("pointerleave", () => { if (!held && lit !== null) light(null, false); });
  chart.addEventListener("click", (event) => {
    const member = memberAt(event.target);
    if (member !== null) light(held && lit === member ? null : member, true);
  });
  const order = [...new Set(marks.flatMap((mark) => [...mark.members]))];
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") { light(null, false); return; }
    if (!step || !order.length) return;
    event.preventDefault();
    const at = order.indexOf(lit);
    light(order[at < 0 ? (step > 0 ? 0 : order.length - 1) : (at + step + order.length) % order.length], true);
    const points = marks.filter((mark) => mark.members.size === 1 && mark.members.has(lit)).slice(0, 4);
    const said = points.map(({ element }) => element.getAttribute("aria-label")).filter(Boolean);
    document.getElementById("said").textContent = [members[lit] || lit, ...new Set(said)].join(". ");
  });
}

// The chart's data, in a table that is open by now, whether it was opened before the chart was drawn or after.
function fill(details) {
  const place = details.querySelector(".scroll"), known = drawn.get(details.dataset.table);
  if (details.open && known && !place.firstChild) place.append(...panels(known.spec).map(asTable));
}

// What needs the chart's data, and has waited for them.
function serve(name) {
  for (const button of document.querySelectorAll("button[data-kind]")) if (button.dataset.chart === name) button.disabled = false;
  for (const details of document.querySelectorAll("details[data-table]")) if (details.dataset.table === name) fill(details);
}

async function draw(source) {
  const name = source.id.slice("data-".length), chart = document.getElementById("chart-" + name);
  try {
    const spec = unpacked(JSON.parse(source.textContent));
    spec.config = { ...spec.config, ...LOOK };
    const { view } = await vegaEmbed(chart, spec, { renderer: "svg", actions: false });
    const marks = marksOf(chart);
    drawn.set(name, { view, spec, marks });
    legends(chart, marks);
    listen(name, chart, marks);
    if (lit !== null || leftOut.size) show();
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
document.getElementById("clear").addEventListener("click", () => { leftOut.clear(); light(null, false); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") { leftOut.clear(); light(null, false); } });

const root = document.documentElement, scheme = document.getElementById("scheme");
const isDark = () => (root.dataset.scheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const tellScheme = () => { scheme.textContent = isDark() ? "Light page" : "Dark page"; };
try { root.dataset.scheme = localStorage.getItem("scheme") || ""; } catch { root.dataset.scheme = ""; }
scheme.addEventListener("click", () => {
  root.dataset.scheme = isDark() ? "light" : "dark";
  try { localStorage.setItem("scheme", root.dataset.scheme); } catch { /* a page from a file may have no memory */ }
  tellScheme();
});
tellScheme();

(async () => {
  // One after the other, with a breath between them, so that the page can be read meanwhile.
  for (const source of document.querySelectorAll('script[id^="data-"]')) {
    await draw(source);
    await new Promise((next) => { setTimeout(next); });
  }
  document.body.dataset.ready = "yes";
})();

window.report = { drawn, contentOf };
}
