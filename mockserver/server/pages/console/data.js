// The data page: a day of the world by the answers of the API, which the server signs and does not record.

import { html, render, t, call, count, duration, previewPath, utc8, withQuery, chinese } from "./base.js";
import { useEffect, useState } from "./hooks.mjs";
import { Chart, Source } from "./charts.js";
import { Person, Room } from "./timeline.js";

const place = document.getElementById("data");
const { day, appkey } = place.dataset;
const start = Number(place.dataset.start);
const end = start + 86399;
const SHOWN = 100; // Rows of a table; the search finds the others.
const MANY = 30_000; // Sessions of a day; above, tables of rooms and people show one hour.

const cumulative = place.dataset.trend === "cumulative"; // A reading: the volume of a tick counts from the start of the day.

const TREND = "count_business_total_volume_by_day";
const DISTRIBUTION = "count_business_distribute_volume_by_day";
const QUALITY = "count_qos_by_day";

class Refused extends Error {}

async function ask(operation, body) {
  const answer = await call("GET", previewPath(operation, body, appkey));
  if (answer.ErrorCode !== 0) throw new Refused(`${answer.ErrorCode} ${answer.ErrorInfo}`);
  return answer;
}

/** Returns the state of a promise: undefined while it is pending, else [value, error]. */
export function useAnswer(get, inputs = []) {
  const [state, setState] = useState();
  useEffect(() => {
    let current = true;
    setState(undefined);
    get().then(
      (value) => current && setState([value]),
      (error) => current && setState([undefined, error]),
    );
    return () => (current = false);
  }, inputs);
  return state;
}

/** Shows an answer, or that it is loading, or its error. */
function Answer({ state, show, title, source, className = "chart" }) {
  if (state && !state[1]) return show(state[0]);
  const text = state
    ? html`<p class="empty error">${state[1].message}</p>`
    : html`<p class="empty">${t("Loading…", "加载中……")}</p>`;
  return html`<section class=${state ? className : `${className} waiting`}><h2>${title}</h2>${text}${source && html`<${Source} ...${source} />`}</section>`;
}

const whole = (value) => count(Math.round(value));
const fixed = (digits, unit) => (value) => `${Number(value).toFixed(digits)}${unit}`;
const most = (times, values) => {
  const index = values.indexOf(Math.max(...values));
  return index < 0 ? "" : [values[index], utc8.minute(times[index])];
};

const TRENDS = [
  { by: 1, title: t("Call time in seconds", "通话时长（秒）"), name: t("seconds", "秒"), merge: "sum" },
  { by: 2, title: t("Rooms created", "新建房间数"), name: t("rooms", "房间"), merge: "sum", bars: true },
  { by: 3, title: t("Concurrent users", "同时在线人数"), name: t("users", "人"), merge: "max" },
  { by: 4, title: t("Callers", "通话人数"), name: t("callers", "人次"), merge: "sum", bars: true },
];

function trendSummary(by, merge, times, values) {
  if (!values.length) return t("No data yet", "暂无数据");
  const [peak, at] = most(times, values);
  if (!peak) return t("No calls on this day", "当天没有通话");
  const sum = values.reduce((total, value) => total + value, 0);
  const spent = by === 1 ? t(` (${duration(sum)})`, `（${duration(sum)}）`) : "";
  const total = merge === "sum" ? t(`Total ${whole(sum)}${spent}, peak`, `合计 ${whole(sum)}${spent}，峰值`) : t("Peak", "峰值");
  return `${total} ${t(`${whole(peak)} at ${at}`, `${whole(peak)}（${at}）`)}`;
}

function Trend({ by, title, name, merge, bars, answer }) {
  if (cumulative) [merge, bars] = ["max", false];
  const source = { operation: TREND, body: { QueryDate: day, CountBy: by }, appkey };
  const show = ({ TrendData: rows }) => {
    const times = rows.map((row) => Number(row.TickTime));
    const values = rows.map((row) => row.Volume);
    return html`<${Chart} id=${`trend-${by}`} format=${whole} day=${start} series=${[{ name, values }]} summary=${trendSummary(by, merge, times, values)} ...${{ title, times, merge, bars, source }} />`;
  };
  return html`<${Answer} state=${answer} ...${{ show, title, source }} />`;
}

const QUALITIES = [
  { id: "joins", title: t("Successful joins", "进房成功率"), unit: fixed(1, "\u00a0%"), columns: { JoinRoomSuccRate: t("joins", "成功率") }, best: true },
  { id: "loss", title: t("Packet loss", "丢包率"), unit: fixed(2, "\u00a0%"), columns: { AudioPackLossRate: t("audio", "音频"), VideoPackLossRate: t("video", "视频") } },
  { id: "delay", title: t("Delay", "时延"), unit: fixed(0, "\u00a0ms"), columns: { AudioDelayRate: t("audio", "音频"), VideoDelayRate: t("video", "视频") } },
];

function qualitySummary(times, series, unit, best) {
  if (!times.length) return t("No calls on this day", "当天没有通话");
  return series
    .map(({ name, values }) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const worst = best ? Math.min(...values) : Math.max(...values);
      const at = utc8.minute(times[values.indexOf(worst)]);
      return t(`${name}: mean ${unit(mean)}, worst ${unit(worst)} at ${at}`, `${name}：平均 ${unit(mean)}，最差 ${unit(worst)}（${at}）`);
    })
    .join(t("; ", "；"));
}

function Quality({ id, title, unit, columns, best, answer }) {
  const source = { operation: QUALITY, body: { QueryDate: day }, appkey };
  const show = ({ QosData: rows }) => {
    const times = rows.map((row) => Number(row.TickTime));
    const series = Object.entries(columns).map(([column, name]) => ({ name, values: rows.map((row) => row[column]) }));
    return html`<${Chart} format=${unit} merge="mean" summary=${qualitySummary(times, series, unit, best)} floor=${best && ((low) => [Math.min(low, 99) - 1, 100.5])} day=${start} ...${{ id, title, times, series, source }} />`;
  };
  return html`<${Answer} state=${answer} ...${{ show, title, source }} />`;
}

const DIMENSIONS = [
  { by: 1, title: t("By country", "按国家和地区") },
  { by: 2, title: t("By province", "按省份") },
  { by: 3, title: t("By city", "按城市") },
  { by: 4, title: t("By network", "按网络类型") },
];
const MEASURES = {
  CommunicateDuration: t("call time", "通话时长"),
  RoomCnt: t("rooms", "房间数"),
  PeakOnlineNum: t("peak online", "最大同时在线"),
  CommunicateNum: t("callers", "通话人数"),
};
const FEW = 8;

function Distribution({ by, title, answer }) {
  const [measure, setMeasure] = useState("CommunicateDuration");
  const [all, setAll] = useState(false);
  const source = { operation: DISTRIBUTION, body: { QueryDate: day, CountBy: by }, appkey };
  const show = ([{ DistributeData: rows }, { names }]) => {
    const named = rows.map((row, index) => ({ ...row, name: names ? names[index][chinese ? "zh" : "en"] : t(`row ${index + 1}`, `第 ${index + 1} 行`) }));
    named.sort((one, other) => other[measure] - one[measure]);
    const sum = named.reduce((total, row) => total + row[measure], 0);
    const most = named[0]?.[measure] || 1;
    const shown = all ? named : named.slice(0, FEW);
    const format = measure === "CommunicateDuration" ? duration : whole;
    const summary = named.length
      ? t(`${named.length} in total, most: ${named[0].name}, ${format(named[0][measure])}`, `共 ${named.length} 项，最多：${named[0].name}，${format(named[0][measure])}`)
      : t("No calls on this day", "当天没有通话");
    return html`<section class="chart" aria-labelledby=${`distribution-${by}`}>
      <div class="row apart">
        <h2 id=${`distribution-${by}`}>${title}</h2>
        <select aria-label=${t(`Measure of ${title}`, `${title}的指标`)} value=${measure} onChange=${(event) => setMeasure(event.currentTarget.value)}>
          ${Object.entries(MEASURES).map(([name, text]) => html`<option value=${name}>${text}</option>`)}
        </select>
      </div>
      <p class="summary">${summary}</p>
      ${named.length > 0 &&
      html`<div class=${all ? "tall" : "scroll"} tabindex=${all ? 0 : undefined}>
        <table class="bars">
          <colgroup><col class="names" /><col /><col class="values" /></colgroup>
          <thead class="offscreen"><tr><th scope="col">${title}</th><th scope="col">${t("Share", "占比")}</th><th scope="col">${MEASURES[measure]}</th></tr></thead>
          <tbody>
            ${shown.map(
              (row) => html`<tr>
                <th scope="row">${row.name}</th>
                <td class="bar-cell"><svg role="img" aria-label=${sum ? `${((100 * row[measure]) / sum).toFixed(1)} %` : "0 %"} viewBox="0 0 100 12" preserveAspectRatio="none"><rect class="track" width="100" height="12" rx="1" /><rect class="fill" width=${Math.max(0.5, (100 * row[measure]) / most)} height="12" rx="1" /></svg></td>
                <td class="number">${format(row[measure])}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>`}
      ${named.length > FEW && html`<button type="button" class="link" aria-expanded=${all} onClick=${() => setAll(!all)}>${all ? t("Show fewer", "收起") : t(`Show all ${named.length}`, `显示全部 ${named.length} 项`)}</button>`}
      <div><${Source} ...${source} /></div>
    </section>`;
  };
  return html`<${Answer} state=${answer} ...${{ show, title, source }} />`;
}

function Sums({ title, rows, total, id, columns, onPick, picked }) {
  const [wanted, setWanted] = useState("");
  const found = rows.filter((row) => row[id].includes(wanted.trim()));
  const pick = (event) => {
    event.preventDefault();
    if (wanted.trim()) onPick(wanted.trim());
  };
  return html`<section aria-labelledby=${`sums-${id}`}>
    <div class="row apart">
      <h2 id=${`sums-${id}`}>${title} <span class="small">${count(total)}</span></h2>
      <form onSubmit=${pick}><input type="search" placeholder=${id} aria-label=${t(`Find a ${id}`, `查找 ${id}`)} value=${wanted} onInput=${(event) => setWanted(event.currentTarget.value)} /></form>
    </div>
    ${total > SHOWN && html`<p class="small">${t(`The ${SHOWN} with the longest calls. Enter any other id and press Enter.`, `通话最长的 ${SHOWN} 个；其他 ID 请输入后按回车。`)}</p>`}
    ${rows.length
      ? html`<div class="tall" tabindex="0">
          <table class="fit">
            <thead><tr><th scope="col">${id}</th>${columns.map(([name, , text]) => html`<th scope="col" class=${name ? "number" : ""}>${text}</th>`)}</tr></thead>
            <tbody>
              ${found.slice(0, SHOWN).map(
                (row) => html`<tr class=${row[id] === picked ? "picked" : ""}>
                  <td><button type="button" class="link mono" onClick=${() => onPick(row[id])}>${row[id]}</button></td>
                  ${columns.map(([name, format]) => html`<td class="number">${format(row[name], row)}</td>`)}
                </tr>`,
              )}
            </tbody>
          </table>
        </div>`
      : html`<p class="empty">${t("No calls in this time. Choose another day, or a scenario with calls under Control.", "这段时间没有通话。请选择其他日期，或在“控制”页选择有通话的场景。")}</p>`}
  </section>`;
}

const ROOM_COLUMNS = [
  ["created", utc8.minute, t("From", "开始")],
  ["ended", utc8.minute, t("To", "结束")],
  ["people", whole, t("People", "人数")],
  ["seconds", duration, t("Call time", "通话时长")],
];
const PEOPLE_COLUMNS = [
  ["rooms", whole, t("Rooms", "房间数")],
  ["sessions", whole, t("Sessions", "会话数")],
  ["seconds", duration, t("Call time", "通话时长")],
];

function Calls({ callers }) {
  const hours = byHour(callers);
  const many = callers.reduce((sum, row) => sum + row.amount, 0) > MANY;
  const [hour, setHour] = useState(many ? hours.indexOf(Math.max(...hours)) : -1);
  const [room, setRoom] = useState(place.dataset.room);
  const [user, setUser] = useState(place.dataset.user);
  useEffect(() => {
    const url = withQuery("data", { day, appkey, room, user });
    if (room || user || location.search.match(/room=|user=/)) history.replaceState(null, "", url);
  }, [room, user]);
  const from = hour < 0 ? start : start + hour * 3600;
  const to = hour < 0 ? end : from + 3599;
  const answer = useAnswer(() => call("GET", withQuery("calls", { from, to, appkey })), [hour]);
  const source = { operation: "query_all_instance_by_time", body: { BeginTime: String(from), EndTime: String(to) }, appkey };
  const title = t("Rooms and people", "房间与用户");
  const show = ({ rooms, people, total }) => html`
    <div class="columns">
      <${Sums} title=${t("Rooms", "房间")} rows=${rooms} total=${total.rooms} id="RoomId" columns=${ROOM_COLUMNS} onPick=${setRoom} picked=${room} />
      <${Sums} title=${t("People", "用户")} rows=${people} total=${total.people} id="UserId" columns=${PEOPLE_COLUMNS} onPick=${setUser} picked=${user} />
    </div>`;
  return html`
    <div class="row apart">
      <label class="row">${t("Calls of", "时段")}
        <select value=${hour} onChange=${(event) => setHour(Number(event.currentTarget.value))}>
          ${!many && html`<option value=${-1}>${t("the whole day", "全天")}</option>`}
          ${hours.map((volume, index) => html`<option value=${index}>${String(index).padStart(2, "0")}:00 (${whole(volume)})</option>`)}
        </select>
        ${many && html`<span class="small">${t("A busy day, shown one hour at a time.", "当天通话很多，每次显示一个小时。")}</span>`}
      </label>
      <${Source} ...${source} />
    </div>
    <${Answer} state=${answer} ...${{ show, title }} />
    ${room && html`<${Room} key=${room} ...${{ room, appkey, ask, onUser: setUser, onClose: () => setRoom("") }} />`}
    ${user && html`<${Person} key=${user} ...${{ user, appkey, ask, end, onRoom: setRoom, onClose: () => setUser("") }} />`}`;
}

/** Returns the rows of a trend with the amount of each tick. */
function amounts(rows) {
  return rows.map((row, index) => ({ ...row, amount: row.Volume - (cumulative && index ? rows[index - 1].Volume : 0) }));
}

function byHour(rows) {
  const hours = Array(24).fill(0);
  for (const { TickTime, amount } of rows) hours[Math.floor((TickTime - start) / 3600)] += amount;
  return hours;
}

function Page() {
  const trends = TRENDS.map(({ by }) => useAnswer(() => ask(TREND, { QueryDate: day, CountBy: by })));
  const quality = useAnswer(() => ask(QUALITY, { QueryDate: day }));
  const distributions = DIMENSIONS.map(({ by }) =>
    useAnswer(() => Promise.all([ask(DISTRIBUTION, { QueryDate: day, CountBy: by }), call("GET", withQuery("distribution-names", { day, by, appkey }))])),
  );
  return html`
    <div class="charts">${TRENDS.map((trend, index) => html`<${Trend} ...${trend} answer=${trends[index]} />`)}</div>
    <div class="charts three">${QUALITIES.map((each) => html`<${Quality} ...${each} answer=${quality} />`)}</div>
    <div class="charts">${DIMENSIONS.map((each, index) => html`<${Distribution} ...${each} answer=${distributions[index]} />`)}</div>
    ${trends[3] && html`<${Calls} callers=${amounts(trends[3][0]?.TrendData ?? [])} />`}`;
}

place.replaceChildren();
render(html`<${Page} />`, place);

const pick = document.getElementById("pick");
const date = pick.elements.day;
let typing = false; // Each digit changes the date; it is complete with Enter, or when the field loses the focus.
date.addEventListener("keydown", ({ key }) => {
  typing = /^\d$|^Arrow|^Backspace$|^Delete$/.test(key);
  if (key === "Enter") go();
});
date.addEventListener("blur", () => typing && date.value !== date.defaultValue && go());
pick.addEventListener("change", ({ target }) => (target === date && typing) || go());

function go() {
  if (!date.reportValidity()) return;
  const data = new FormData(pick);
  location.search = new URLSearchParams({ day: data.get("day").replaceAll("-", ""), appkey: data.get("appkey") });
}
