// The live list of requests: filters, pause, and a table that renders only the rows in view.

import { admin, count, html, plural, render, t, utc8, withQuery } from "./base.js";
import { useEffect, useMemo, useRef, useState } from "./hooks.mjs";
import { follow } from "./stream.js";

const MOST = 10_000;
const ROW = 32; // The height of a row in pixels, as in console.css.
const SPARE = 8; // Rows rendered above and below the view.

const form = document.getElementById("filters");
/** The section of the document for each operation, which narrow screens show before its name. */
const sections = new Map([...form.elements.operation.options].map((option) => [option.value, option.dataset.section]));
const place = document.getElementById("list");
// The filters are in the URL; a name that has not occurred yet is offered nevertheless.
for (const [name, value] of new URLSearchParams(location.search)) {
  if (!form.elements[name]) continue;
  if (name === "error" || name === "violation") offer(name, [value]);
  form.elements[name].value = value;
}

function subject({ fields, path }) {
  if (path) return path;
  const { UserId, RoomId, BeginTime, EndTime, QueryDate, CountBy } = fields;
  const stamp = (value) => (/^\d{9,10}$/.test(value) ? utc8.full(value).slice(5, 16) : value);
  const window = BeginTime || EndTime ? `${stamp(BeginTime ?? "")}–${stamp(EndTime ?? "")}` : "";
  const day = QueryDate === undefined ? "" : `${QueryDate}${CountBy === undefined ? "" : ` / ${CountBy}`}`;
  return [UserId, RoomId, window, day].filter(Boolean).join("  ");
}

function wanted(filters) {
  const { appkey, operation, error, violation, text } = filters;
  return (row) =>
    (!appkey || row.appkey === appkey) &&
    (!operation || row.operation === operation) &&
    (!error || (error === "ok" ? !row.error : error === "any" ? row.error : row.error === error)) &&
    (!violation || (violation === "any" ? row.violations.length > 0 : row.violations.includes(violation))) &&
    (!text || `${row.id} ${row.appkey} ${row.path} ${JSON.stringify(row.fields)}`.toLowerCase().includes(text.toLowerCase()));
}

/** Adds the names that have occurred to a select of the form. */
function offer(name, values) {
  const select = form.elements[name];
  for (const value of values) {
    if (value && ![...select.options].some((option) => option.value === value)) select.add(new Option(value, value));
  }
}

const Row = ({ row, marked, onMark }) => html`<tr class=${row.error ? "wrong" : ""}>
  <td class="narrow"><input type="checkbox" checked=${marked} onChange=${() => onMark(row.id)} aria-label=${t(`Compare ${row.id}`, `比较 ${row.id}`)} /></td>
  <td class="nowrap"><a href=${`requests/${row.id}`}>${utc8.time(row.at)}</a></td>
  <td class="cut"><span class="section">${sections.get(row.operation)}</span><code>${row.operation || "–"}</code></td>
  <td class="cut mono">${subject(row)}</td>
  <td class="cut">${row.error ? html`<span class="bad">${row.error}</span>` : html`<span class="ok">OK</span>${row.empty && html` <span class="small">${t("empty", "空")}</span>`}`}${row.status !== 200 && html` <span class="tag">${row.status}</span>`}</td>
  <td class="cut">${row.violations.map((name) => html`<span class="tag warn">${name}</span> `)}${row.faults.map((kind) => html`<span class="tag">${kind}</span> `)}</td>
  <td class="number">${row.ms.toFixed(1)}</td>
</tr>`;

function List() {
  const [rows, setRows] = useState([]); // Newest first.
  const [filters, setFilters] = useState(Object.fromEntries(new FormData(form)));
  const [paused, setPaused] = useState(false);
  const [marked, setMarked] = useState([]);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [skipped, setSkipped] = useState(0);
  const held = useRef([]);
  const pausing = useRef(false);
  const cleared = useRef(undefined);
  const view = useRef();

  useEffect(() => {
    const change = () => {
      const chosen = Object.fromEntries(new FormData(form));
      setFilters(chosen);
      history.replaceState(null, "", withQuery("requests", chosen));
    };
    form.addEventListener("input", change);
    form.addEventListener("submit", (event) => event.preventDefault());
    const resize = new ResizeObserver(() => setHeight(view.current.clientHeight));
    resize.observe(view.current);
    follow((news) => {
      const isCleared = cleared.current !== undefined && news.cleared !== cleared.current;
      cleared.current = news.cleared;
      const added = news.requests.reverse();
      offer("error", added.map((row) => row.error));
      offer("violation", added.flatMap((row) => row.violations));
      if (isCleared) held.current = [];
      if (pausing.current) {
        held.current = [...added, ...held.current];
        return setSkipped((number) => number + news.skipped);
      }
      setRows((known) => [...added, ...(isCleared ? [] : known)].slice(0, MOST));
      setSkipped((number) => (isCleared ? 0 : number + news.skipped));
    }, MOST);
  }, []);

  const shown = useMemo(() => rows.filter(wanted(filters)), [rows, filters]);
  const pause = () => {
    pausing.current = !paused;
    setPaused(!paused);
    if (paused) {
      setRows((known) => [...held.current, ...known].slice(0, MOST));
      held.current = [];
    }
  };
  const mark = (id) => setMarked((ids) => (ids.includes(id) ? ids.filter((each) => each !== id) : [...ids, id].slice(-2)));
  const first = Math.max(0, Math.floor(top / ROW) - SPARE);
  const visible = shown.slice(first, first + Math.ceil(height / ROW) + 2 * SPARE);
  const below = Math.max(0, shown.length - first - visible.length);
  const spacer = (number) => number > 0 && html`<tr class="spacer" aria-hidden="true"><td style=${{ height: `${number * ROW}px` }}></td></tr>`;
  return html`
    <div class="row apart">
      <p class="small" id="shown">${shown.length === rows.length
        ? t(plural(rows.length, "request"), `共 ${count(rows.length)} 个请求`)
        : t(`${count(shown.length)} of ${plural(rows.length, "request")}`, `共 ${count(rows.length)} 个请求，符合条件的 ${count(shown.length)} 个`)}${skipped > 0 && html`${t(`; ${count(skipped)} arrived too fast to be listed. `, `；另有 ${count(skipped)} 个到达过快，未列出。`)}<a href="">${t("Reload", "重新加载")}</a>`}</p>
      <div class="row">
        <a class="button" href=${marked.length === 2 ? `requests/${marked[0]}?with=${marked[1]}` : undefined} aria-disabled=${marked.length !== 2} id="compare">${t("Compare two", "比较两项")}</a>
        <button type="button" aria-pressed=${paused} onClick=${pause}>${paused ? t("Resume", "继续") : t("Pause", "暂停")}</button>
      </div>
    </div>
    <div class="view card" ref=${view} tabindex="0" onScroll=${(event) => setTop(event.currentTarget.scrollTop)}>
      <table aria-rowcount=${shown.length}>
        <thead><tr>
          <th scope="col" class="narrow"><span class="offscreen">${t("Compare", "比较")}</span></th><th scope="col">${t("Time", "时间")}</th><th scope="col">${t("Operation", "接口")}</th><th scope="col">${t("About", "对象")}</th><th scope="col">${t("Outcome", "结果")}</th><th scope="col">${t("Violations, faults", "违规与故障")}</th><th scope="col" class="number">ms</th>
        </tr></thead>
        <tbody>
          ${spacer(first)}
          ${visible.map((row) => html`<${Row} key=${row.number} row=${row} marked=${marked.includes(row.id)} onMark=${mark} />`)}
          ${spacer(below)}
        </tbody>
      </table>
      ${shown.length === 0 && html`<p class="empty">${rows.length
        ? t("No request matches the filters.", "没有符合条件的请求。")
        : html`${t("No requests yet. Copy the signed command from the ", "尚无请求。可复制")}<a href=${`${admin}console`}>${t("overview", "总览页")}</a>${t(" into a terminal, and it appears here.", "上已签名的命令到终端执行，请求会立即出现在这里。")}`}</p>`}
    </div>`;
}

render(html`<${List} />`, place);
