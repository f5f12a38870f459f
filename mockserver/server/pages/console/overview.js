// The overview: the command is signed again when it is copied, because signatures expire; requests per second and
// the last violations follow the journal.

import { breaks, call, chinese, copy, count, curl, html, render, t, utc8 } from "./base.js";
import { follow } from "./stream.js";

const line = document.getElementById("curl");
document.getElementById("copy-curl").addEventListener("click", async () => {
  const { query } = await call("GET", "sign");
  line.textContent = curl(line.dataset.url, query, line.dataset.body);
  await copy(line.textContent);
});

const SECONDS = 5; // The rate is the mean of so many seconds.
const SHOWN = 8;
const total = document.getElementById("requests");
const rate = document.getElementById("rate");
const place = document.getElementById("violations");
let arrivals = [];
let requests = Number(total.dataset.count);
let violations = [];
let cleared;

const Violations = ({ rows }) => html`<div class="scroll" tabindex="0">
  <table class="stack violations">
    <thead><tr><th scope="col">${t("Time", "时间")}</th><th scope="col">${t("Operation", "接口")}</th><th scope="col">${t("What", "内容")}</th></tr></thead>
    <tbody>
      ${rows.map(({ row, text }) => html`<tr><td><a href=${`console/requests/${row.id}`}>${utc8.time(row.at)}</a></td><td><code>${breaks(row.operation || row.path)}</code></td><td><span class="brief">${text}</span></td></tr>`)}
    </tbody>
  </table>
</div>`;

/** Adds the text of a request's first violation. */
async function withText(row) {
  const entry = await call("GET", `requests/${row.id}`).catch(() => null);
  return { row, text: entry?.violations[0]?.texts[chinese ? "zh" : "en"] ?? row.violations.join(", ") };
}

function showRate() {
  const now = Date.now();
  arrivals = arrivals.filter(([at]) => now - at < SECONDS * 1000);
  const sum = arrivals.reduce((all, [, number]) => all + number, 0);
  rate.textContent = t(`in the journal; ${(sum / SECONDS).toFixed(1)} per second`, `条在日志中；每秒 ${(sum / SECONDS).toFixed(1)} 次`);
}

// The page was rendered with everything up to `data-last`.
follow(async (news) => {
  const number = news.requests.length + news.skipped;
  if (cleared !== undefined && news.cleared !== cleared) return location.reload();
  cleared = news.cleared;
  if (!number) return;
  arrivals.push([Date.now(), number]);
  requests += number;
  total.textContent = count(requests);
  showRate();
  const wrong = news.requests.filter((row) => row.violations.length).slice(-SHOWN).reverse();
  if (!wrong.length) return;
  if (!violations.length) place.replaceChildren();
  violations = [...(await Promise.all(wrong.map(withText))), ...violations].slice(0, SHOWN);
  render(html`<${Violations} rows=${violations} />`, place);
}, 100, Number(total.dataset.last));
setInterval(showRate, 1000);
