// Lays out a chart for the width of its column: panels side by side as far as they fit, and as wide as they can be.
"use strict";
const layout = (() => {
const GAP = 22, AXIS = 62;  // pixels: between panels, and for the labels and title of an axis
const LETTER = 6.6, SMALL_LETTER = 5.9;  // pixels: of legends and titles, and of labels
const NARROWEST = { few: 200, many: 130 }, MANY = 8;  // smallest width of a panel, by the number of panels
const LOWEST = 120, HIGHEST = 280;  // heights of a panel
const PICTURE = 84, SMALLEST_PICTURE = 40, PICTURE_GAP = 6;
const LEGENDS = ["color", "shape", "strokeDash", "fill"];

const partsOf = (node) => node.hconcat || node.concat;
const unitsOf = (node) => (node.layer || partsOf(node) || node.vconcat || (node.spec && [node.spec]) || []).flatMap(unitsOf)
  .concat(node.encoding ? [node] : []);
const hasPictures = (node) => unitsOf(node).some(({ mark }) => mark && mark.type === "image");
const isDiscrete = (channel) => channel && channel.field && ["nominal", "ordinal"].includes(channel.type);
const letters = (text) => Math.max(0, ...[text].flat().map((line) => String(line).length));

// The distinct values of a field in the order of the data.
function valuesOf(field, data) { return [...new Set(data.map((row) => row[field]))].filter((value) => value !== undefined && value !== null); }

// Split a title into lines of at most this many pixels.
function wrapped(title, pixels) {
  if (typeof title !== "string" || title.length * LETTER <= pixels) return title;
  const lines = [];
  for (const word of title.split(" ")) {
    const last = lines.length - 1;
    if (last >= 0 && (lines[last].length + 1 + word.length) * LETTER <= pixels) lines[last] += " " + word;
    else lines.push(word);
  }
  return lines;
}

// The number of columns for some panels: as many as fit, but no more than fill all rows equally well.
function columnsFor(number, width, narrowest, gap) {
  const fitting = Math.min(number, Math.max(1, Math.floor((width + gap) / (narrowest + gap))));
  return Math.ceil(number / Math.ceil(number / fitting));
}

// Above the panels, in as many columns as fit.
function legendOf(channel, data, width) {
  const names = (channel.scale && channel.scale.domain) || valuesOf(channel.field, data);
  const longest = Math.max(4, ...names.map(letters));
  const columns = Math.max(1, Math.min(names.length, Math.floor(width / (longest * LETTER + 34))));
  return { ...channel.legend, orient: "top", direction: "horizontal", columns, labelLimit: width - 40, titleLimit: width };
}

const titled = (node, pixels) => node.title ? { title: wrapped(node.title, pixels) } : {};

// Return a unit with legends above it, and axes that keep within the panel.
function dressed(unit, data, width, height, { own, shared, taller }) {
  const encoding = { ...unit.encoding };
  // Positions in pixels are meant from the lower edge.
  if (encoding.y && typeof encoding.y.value === "number") encoding.y = { ...encoding.y, value: encoding.y.value + taller };
  for (const channel of LEGENDS) {
    const given = encoding[channel];
    if (given && given.field && given.legend !== null) encoding[channel] = { ...given, legend: legendOf(given, data, shared) };
  }
  for (const [channel, pixels] of [["x", width], ["y", height]]) {
    const given = encoding[channel];
    if (!given || !given.field) continue;
    const axis = { ...given.axis };
    if (given.title) axis.title = wrapped(given.title, Math.max(pixels, 100));
    if (channel === "y" && isDiscrete(given)) axis.labelLimit = labelsOf(given, data, own);
    encoding[channel] = { ...given, axis };
  }
  return { ...unit, encoding };
}

// The width of the labels of a discrete vertical axis.
function labelsOf(channel, data, width) {
  return Math.min(Math.max(0, ...valuesOf(channel.field, data).map(letters)) * SMALL_LETTER + 12, (width > 450 ? 0.55 : 0.42) * width);
}

// The width of all that stands to the left of a panel.
function leftOf(node, data, width) {
  const discrete = unitsOf(node).map(({ encoding }) => encoding.y).find(isDiscrete);
  return discrete ? labelsOf(discrete, data, width) : AXIS;
}

// Return a single panel with this width of its plot; `widths` has those of the panel with its axes, and of its legend.
function sized(node, data, width, widths) {
  const across = Math.max(60, Math.floor(width));
  const high = typeof node.height === "number" ? Math.round(Math.min(HIGHEST, Math.max(LOWEST, 0.66 * across))) : node.height;
  const pixels = typeof high === "number" ? high : 200;
  const measures = { ...widths, taller: typeof high === "number" ? high - node.height : 0 };
  const dress = (part) => part.layer ? { ...part, layer: part.layer.map(dress) } : part.encoding ? dressed(part, data, across, pixels, measures) : part;
  return { ...dress(node), ...titled(node, widths.own), width: across, height: high };
}

function facetOf(node, data, width, shared) {
  const number = valuesOf(node.facet.field, data).length;
  if (hasPictures(node)) {
    const each = Math.floor((width + PICTURE_GAP) / number) - PICTURE_GAP;
    const size = Math.max(SMALLEST_PICTURE, Math.min(PICTURE, each));
    const columns = Math.min(number, Math.max(1, Math.floor((width + PICTURE_GAP) / (size + PICTURE_GAP))));
    return { ...node, ...titled(node, width), columns, spacing: PICTURE_GAP, spec: { ...node.spec, width: size, height: size } };
  }
  const left = leftOf(node.spec, data, width);
  // Many panels are narrow, but on a wide page not too narrow for their names.
  const names = valuesOf(node.facet.field, data).map((name) => letters(String(name).split(", ")) * SMALL_LETTER);
  const many = Math.max(NARROWEST.many, Math.min(NARROWEST.few, width / 6, Math.max(...names)));
  const columns = columnsFor(number, width - left, number > MANY ? many : NARROWEST.few, GAP);
  const each = (width - left - (columns - 1) * GAP) / columns;
  const header = { ...node.facet.header, labelLimit: each };
  // A shared axis would be drawn in the empty places of the last row, far from the first row.
  const resolve = { ...node.resolve, axis: { ...(node.resolve && node.resolve.axis), ...(number > columns ? { x: "independent" } : {}) } };
  return { ...node, columns, spacing: GAP, resolve, facet: { ...node.facet, header }, spec: sized(node.spec, data, each, { own: width, shared }) };
}

// The smallest width of a panel in which it can be read.
function narrowest(node, data) {
  return hasPictures(node) ? Math.min(12, valuesOf(node.facet.field, data).length) * (PICTURE + PICTURE_GAP) : NARROWEST.few + AXIS;
}

function placed(node, datasets, width, data, shared = width) {
  const rows = node.data && node.data.name ? datasets[node.data.name] : node.data && node.data.values || data;
  if (node.vconcat) return { ...node, vconcat: node.vconcat.map((part) => placed(part, datasets, width, rows)) };
  if (node.facet) return facetOf(node, rows, width, shared);
  const parts = partsOf(node);
  if (!parts) {
    // Layers may have data of their own, as a line at zero.
    const named = unitsOf(node).map((unit) => unit.data && datasets[unit.data.name]).filter(Boolean);
    const all = rows.concat(...named);
    return sized(node, all, width - leftOf(node, all, width), { own: width, shared });
  }
  const inner = (part) => part.data && part.data.name ? datasets[part.data.name] : rows;
  const columns = columnsFor(parts.length, width, Math.max(...parts.map((part) => narrowest(part, inner(part)))), GAP);
  const { hconcat, ...rest } = node;
  const each = (width - (columns - 1) * GAP) / columns;
  const legend = node.resolve && node.resolve.scale && node.resolve.scale.color === "independent" ? each : width;
  return { ...rest, ...titled(node, width), columns, spacing: GAP,
           concat: parts.map((part) => placed(part, datasets, each, rows, legend)) };
}

// Return the specification of a chart that is about this wide.
return (spec, width) => placed(spec, spec.datasets, width, []);
})();
