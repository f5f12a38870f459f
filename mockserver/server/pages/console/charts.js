// Charts: a figure around uPlot with its summary, a readout of the point under the cursor, a table by hour, and the request.

import { breaks, copy, html, previewPath, admin, signedCurl, t, utc8 } from "./base.js";
import { useEffect, useLayoutEffect, useRef, useState } from "./hooks.mjs";

const HEIGHT = 208;
/** Distances between the ticks of whole numbers: 1, 2, 5, 10, … */
const INCREMENTS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
const dark = matchMedia("(prefers-color-scheme: dark)");
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The links "as curl" and "as JSON" for the request of a chart. */
export function Source({ operation, body, appkey }) {
  const copyCurl = async () => copy(await signedCurl(operation, body, appkey));
  return html`<span class="tools">
    <code>${breaks(operation)}</code>
    <button type="button" class="link" onClick=${copyCurl}>${t("as curl", "复制为 curl")}</button>
    <a href=${admin + previewPath(operation, body, appkey)}>${t("as JSON", "查看 JSON")}</a>
  </span>`;
}

function useScheme() {
  const [scheme, setScheme] = useState(dark.matches);
  useEffect(() => {
    const change = () => setScheme(dark.matches);
    dark.addEventListener("change", change);
    return () => dark.removeEventListener("change", change);
  }, []);
  return scheme;
}

/**
 * Draws series over times, arrays of numbers; `floor` returns the range of y, `bars` draws counts, `day` is the first
 * second of a day to show in full. Dragging zooms, a double click shows everything.
 */
function Plot({ times, series, label, format, floor, bars, day, onPoint }) {
  const place = useRef();
  const scheme = useScheme();
  useLayoutEffect(() => {
    const grid = { stroke: color("--grid"), width: 1 };
    const axis = { stroke: color("--soft"), grid, ticks: grid, font: `11px ${getComputedStyle(document.body).fontFamily}` };
    const whole = series.every(({ values }) => values.every(Number.isInteger));
    const step = times.length > 1 ? times[1] - times[0] : 60;
    const [first, last] = [times[0], times.at(-1)];
    // The last tick lasts until the next one, so a whole day ends at 24:00.
    const [from, to] = day ? [day, day + 86400] : [first, last + step];
    const tick = (second) => (second % 60 ? utc8.time(second) : utc8.minute(second).replace("00:00", second > last ? "24:00" : "00:00"));
    const plot = new uPlot(
      {
        width: place.current.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        // For other zones than UTC, uPlot formats and parses a text for each tick.
        tzDate: (second) => uPlot.tzDate(new Date((second + 8 * 3600) * 1000), "UTC"),
        cursor: { sync: { key: "day" }, drag: { x: true, y: false }, points: { size: 6 } },
        axes: [
          { ...axis, space: 64, size: 32, values: (_, splits) => splits.map(tick) },
          { ...axis, size: (_, texts) => Math.max(64, 12 + 6.5 * Math.max(...(texts ?? [""]).map((text) => text.length))), incrs: whole ? INCREMENTS : undefined, values: (_, splits) => splits.map(format) },
        ],
        scales: { x: { range: (_, low, high) => (low === first && high === last ? [from, to] : [low, high]) }, y: { range: (_, low, high) => floor?.(low) ?? [0, (high ?? 0) * 1.05 || 1] } },
        series: [
          {},
          ...series.map(({ name }, index) => ({
            label: name,
            stroke: color(`--series-${index + 1}`),
            width: bars ? 0 : 1.25,
            paths: bars ? uPlot.paths.bars({ size: [1, Infinity] }) : undefined,
            fill: bars ? color("--series-1") : series.length === 1 ? `color-mix(in srgb, ${color("--series-1")} 14%, transparent)` : undefined,
            points: { show: false },
            // A tick without data is a gap, not a line to the next one.
            gaps: (self, _, from, to) => gaps(self, from, to, step),
          })),
        ],
        hooks: { setCursor: [(self) => onPoint(self.cursor.idx ?? null)] },
      },
      [times, ...series.map(({ values }) => values)],
      place.current,
    );
    plot.root.setAttribute("role", "img");
    plot.root.setAttribute("aria-label", label);
    const resize = new ResizeObserver(() => plot.setSize({ width: place.current.clientWidth, height: HEIGHT }));
    resize.observe(place.current);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [times, scheme]);
  return html`<div class="plot" ref=${place}></div>`;
}

function gaps(plot, from, to, step) {
  const [times] = plot.data;
  const found = [];
  for (let index = Math.max(from, 1); index <= to; index++) {
    if (times[index] - times[index - 1] > step * 1.5) {
      found.push([plot.valToPos(times[index - 1], "x", true), plot.valToPos(times[index], "x", true)]);
    }
  }
  return found;
}

/** Returns one row per hour, with its values combined by `merge`. */
function byHour(times, series, merge) {
  const hours = new Map();
  times.forEach((second, index) => {
    const hour = Math.floor(second / 3600) * 3600;
    if (!hours.has(hour)) hours.set(hour, series.map(() => []));
    series.forEach(({ values }, number) => hours.get(hour)[number].push(values[index]));
  });
  return [...hours].map(([hour, columns]) => [hour, ...columns.map(merge)]);
}

export const merges = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  max: (values) => values.reduce((most, value) => Math.max(most, value), 0),
  mean: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
};

/** A chart of ticks, with its summary, readout, table and links. */
export function Chart({ id, title, times, series, merge, format, floor, bars, day, summary, source }) {
  const [point, setPoint] = useState(null);
  const names = series.map(({ name }, index) => html`<span class="key key-${index + 1}">${name}</span>`);
  const readout =
    point === null
      ? html`${names} <span>${t("Drag to zoom; double-click to reset.", "拖动可放大，双击复原。")}</span>`
      : html`${utc8.time(times[point])} ${series.map(({ name, values }, index) => html`<span class="key key-${index + 1}">${name} <b>${format(values[point])}</b></span>`)}`;
  return html`<figure class="chart" id=${id} aria-labelledby=${`${id}-title`}>
    <h2 id=${`${id}-title`}>${title}</h2>
    <p class="summary">${summary}</p>
    ${times.length
      ? html`<${Plot} ...${{ times, series, format, floor, bars, day }} label=${`${title}: ${summary}`} onPoint=${setPoint} />
          <p class="readout">${readout}</p>
          <details>
            <summary>${t("Table by hour", "按小时列表")}</summary>
            <div class="tall" tabindex="0">
              <table>
                <thead><tr><th scope="col">UTC+8</th>${series.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
                <tbody>
                  ${byHour(times, series, merges[merge]).map(([hour, ...values]) => html`<tr><td>${utc8.minute(hour)}</td>${values.map((value) => html`<td class="number">${format(value)}</td>`)}</tr>`)}
                </tbody>
              </table>
            </div>
          </details>`
      : html`<p class="empty">${t("No ticks. Choose another day.", "没有数据点，请选择其他日期。")}</p>`}
    <${Source} ...${source} />
  </figure>`;
}
