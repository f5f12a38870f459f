// Try it: a form of an operation and its answer as chart, table or JSON; below, the signature workbench.

import { call, chinese, copy, html, plural, previewPath, render, say, server, signedCurl, t, utc8, withQuery } from "./base.js";
import { useState } from "./hooks.mjs";
import { Chart } from "./charts.js";

const form = document.getElementById("call");
const { operation } = form.dataset;
const appkey = document.getElementById("appkey");
const result = document.getElementById("result");

function body() {
  const fields = {};
  for (const input of form.querySelectorAll("[name]")) {
    if (input.value === "" && !input.dataset.integer) continue;
    fields[input.name] = "integer" in input.dataset && /^-?\d+$/.test(input.value) ? Number(input.value) : input.value;
  }
  return fields;
}

// The pickers set the fields that are sent, which take any text.
for (const picker of form.querySelectorAll("[data-sets]")) {
  const field = form.elements[picker.dataset.sets];
  const show = () => {
    if (picker.type === "date") picker.value = /^\d{8}$/.test(field.value) ? field.value.replace(/(....)(..)(..)/, "$1-$2-$3") : "";
    else picker.value = /^\d{9,10}$/.test(field.value) ? utc8.full(field.value).replace(" ", "T") : "";
  };
  picker.addEventListener("input", () => {
    if (!picker.value) field.value = "";
    else if (picker.type === "date") field.value = picker.value.replaceAll("-", "");
    else field.value = String(Date.parse(`${picker.value.padEnd(19, ":00")}+08:00`) / 1000);
  });
  field.addEventListener("input", show);
  show();
}

async function send(real) {
  if (!real) return call("GET", previewPath(operation, body(), appkey.value));
  const { query } = await call("GET", withQuery("sign", { appkey: appkey.value }));
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body()) };
  const response = await fetch(`${server}/v2/video/${operation}?${query}`, options);
  return response.json();
}

/** Returns the rows of the list in an answer: of nested lists, one row for each innermost entry. */
function rowsOf(answer) {
  const list = Object.values(answer).find(Array.isArray);
  if (!list) return [];
  return list.flatMap((row) => {
    const [name, inner] = Object.entries(row).find(([, value]) => Array.isArray(value)) ?? [];
    if (!name) return [row];
    const { [name]: _, ...outer } = row;
    return inner.map((each) => ({ ...outer, ...each }));
  });
}

const MOST = 500;
const isTime = (name) => name.endsWith("Time");

function Table({ answer }) {
  const rows = rowsOf(answer);
  if (!rows.length) return html`<p class="empty">${t("The list is empty.", "列表为空。")}</p>`;
  const names = Object.keys(rows[0]);
  const show = (name, value) => (isTime(name) && /^\d{9,10}$/.test(value) ? utc8.full(value) : value);
  return html`<div class="tall" tabindex="0">
      <table>
        <thead><tr>${names.map((name) => html`<th scope="col" class=${typeof rows[0][name] === "number" ? "number" : ""}>${name}</th>`)}</tr></thead>
        <tbody>${rows.slice(0, MOST).map((row) => html`<tr>${names.map((name) => html`<td class=${typeof row[name] === "number" ? "number" : "nowrap"}>${show(name, row[name])}</td>`)}</tr>`)}</tbody>
      </table>
    </div>
    ${rows.length > MOST && html`<p class="small">${t(`The first ${MOST} of ${rows.length} rows.`, `仅显示 ${rows.length} 行中的前 ${MOST} 行。`)}</p>`}`;
}

const COUNTS = [2, 4]; // The values of CountBy whose ticks are counts: rooms created, and callers.

function Picture({ answer, sent }) {
  const rows = answer.TrendData ?? answer.QosData;
  const times = rows.map((row) => Number(row.TickTime));
  const columns = Object.keys(rows[0]).filter((name) => !["TickTime", "JoinRoomSuccRate", "CountBy"].includes(name));
  const series = columns.slice(0, 2).map((name) => ({ name, values: rows.map((row) => row[name]) }));
  const summary = t(plural(rows.length, "tick"), `${rows.length} 个数据点`);
  const source = { operation, body: sent, appkey: appkey.value };
  const bars = COUNTS.includes(sent.CountBy);
  return html`<${Chart} id="picture" title=${columns.slice(0, 2).join(", ")} format=${(value) => String(Math.round(value * 100) / 100)} merge=${bars ? "sum" : "mean"} ...${{ times, series, summary, source, bars }} />`;
}

function Result({ answer, sent }) {
  const ok = answer.ErrorCode === 0;
  const rows = answer.TrendData ?? answer.QosData ?? [];
  // One series only: the four counts of CountBy 0 share their ticks.
  const forms = [rows.length > 1 && rows[0].TickTime !== rows[1].TickTime && "chart", ok && "table", "json"].filter(Boolean);
  const [form, setForm] = useState(forms[0]);
  const titles = { chart: t("Chart", "图表"), table: t("Table", "表格"), json: "JSON" };
  return html`<div class="row apart">
      <p>${ok ? html`<b class="ok">OK</b>` : html`<b class="bad">FAIL ${answer.ErrorCode}</b> ${answer.ErrorInfo}`}</p>
      <div class="row" role="group" aria-label=${t("Show as", "显示方式")}>${forms.map((name) => html`<button type="button" aria-pressed=${form === name} class="button" onClick=${() => setForm(name)}>${titles[name]}</button>`)}</div>
    </div>
    ${form === "chart" && html`<${Picture} ...${{ answer, sent }} />`}
    ${form === "table" && html`<${Table} answer=${answer} />`}
    ${form === "json" && html`<pre class="block" tabindex="0">${JSON.stringify(answer, null, 2)}</pre>`}`;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const sent = body();
  let shown;
  try {
    shown = html`<${Result} key=${Date.now()} answer=${await send(document.getElementById("real").checked)} sent=${sent} />`;
  } catch (error) {
    shown = html`<p class="empty error">${t("No readable answer", "没有可读的响应")}: ${error.message}</p>`;
  }
  if (!result.dataset.ready) result.replaceChildren();
  result.dataset.ready = "yes";
  render(shown, result);
});
document.getElementById("copy").addEventListener("click", async () => copy(await signedCurl(operation, body(), appkey.value)));

// The workbench

const text = document.getElementById("text");
const steps = document.getElementById("steps");
const pick = (texts) => texts[chinese ? "zh" : "en"];

const Finding = ({ row }) => html`<p><span class=${`tag ${row.tolerated ? "warn" : "bad"}`}>${row.name}</span> ${pick(row.texts)}</p>`;

function Formula({ parts }) {
  const shown = parts.map(({ name, length, text: value }) => html`<span class="part"><code>${name}</code> <span class="small">${value === null ? t(plural(length, "character"), `${length} 个字符`) : value || t("missing", "缺少")}</span></span>`);
  return html`<li class="step">
    <h3>${t("Text to hash", "待计算的文本")}</h3>
    <p class="formula">${shown.flatMap((part, index) => (index ? [" + ", part] : [part]))}</p>
  </li>`;
}

function Explanation({ answer }) {
  let departed = false;
  const items = answer.steps.map(({ title, about, violations }, index) => {
    const wrong = violations.some((row) => !row.tolerated);
    const first = wrong && !departed;
    departed ||= wrong;
    const state = wrong ? "bad" : violations.length ? "warn" : "ok";
    const mark = { bad: t("wrong", "有误"), warn: t("tolerated", "已容忍"), ok: t("correct", "正确") }[state];
    const last = index === answer.steps.length - 1;
    return html`${last && html`<${Formula} parts=${answer.parts} />`}
      <li class=${`step ${state}`} aria-current=${first ? "step" : undefined}>
        <h3>${pick(title)} <span class=${`small ${state}`}>${mark}</span></h3>
        <p class="small">${pick(about)}</p>
        ${violations.map((row) => html`<${Finding} row=${row} />`)}
      </li>`;
  });
  const shown = new Set(answer.steps.flatMap(({ violations }) => violations.map((row) => row.name)));
  const others = answer.violations.filter((row) => !shown.has(row.name));
  return html`<p class=${answer.good ? "ok" : "bad"}><b>${answer.good ? t("The signature is correct, and so is everything else.", "签名正确，其他方面也没有问题。") : t("The request would be refused.", "该请求会被拒绝。")}</b></p>
    <ol class="formula-steps">${items}</ol>
    ${others.length > 0 && html`<h3>${t("Besides the signature", "签名以外")}</h3>${others.map((row) => html`<${Finding} row=${row} />`)}`}
    ${answer.notes.map((note) => html`<p class="small">${pick(note)}</p>`)}`;
}

document.getElementById("explain").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    render(html`<${Explanation} answer=${await call("POST", "explain", { text: text.value })} />`, steps);
  } catch (error) {
    render(html`<p class="empty error">${error.message}</p>`, steps);
  }
});
document.getElementById("example").addEventListener("click", async () => {
  const { query } = await call("GET", withQuery("sign", { appkey: appkey.value }));
  text.value = `${server}/v2/video/${operation}?${query.replace(/checksum=(\w+)/, (_, checksum) => `checksum=${checksum.toUpperCase()}`)}`;
  say(t("The checksum is in upper case. Click Explain.", "其 checksum 为大写，请点击“检查”。"));
});
