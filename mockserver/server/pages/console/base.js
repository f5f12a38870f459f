// Shared by all pages: rendering, texts in both languages, calls of the admin API, times in UTC+8, and copying.

import { h, render } from "./preact.mjs";
import htm from "./htm.mjs";

export { render };
export const html = htm.bind(h);

const root = document.documentElement;
export const chinese = root.lang.startsWith("zh");
/** The URL of the admin prefix, with a slash at the end; a reverse proxy may have added a path before it. */
export const admin = new URL(root.dataset.admin, location.href).href;
/** The URL of the API, without a slash at the end. */
export const server = new URL("..", admin).href.replace(/\/$/, "");

/** Returns a name that may break after each underscore. */
export const breaks = (name) => name.split("_").map((part, index) => (index ? html`_<wbr />${part}` : part));

/** Returns the text in the language of the page. */
export const t = (en, zh) => (chinese ? zh : en);

/** An error of the admin API, with a message to show. */
export class AdminError extends Error {}

/** Returns the JSON answer of an admin resource; throws AdminError with the server's message. */
export async function call(method, path, body) {
  const options = { method, headers: { "X-Mock-Lang": t("en", "zh") } };
  if (method !== "GET") {
    Object.assign(options.headers, { "Content-Type": "application/json", "X-Mock-Admin": "1" });
    if (body !== undefined) options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(admin + path, options);
  } catch {
    throw new AdminError(t("The server does not answer. Is it still running?", "服务器没有响应，是否仍在运行？"));
  }
  const answer = await response.json();
  if (!response.ok) throw new AdminError(answer.message ?? response.statusText);
  return answer;
}

/** Returns the path of a resource with query parameters; parameters without a value are omitted. */
export function withQuery(path, parameters) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value != null));
  return query.size ? `${path}?${query}` : path;
}

/** Shows a short message, also to screen readers. */
export function say(text) {
  const status = document.getElementById("status");
  status.textContent = text;
  status.classList.add("shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => status.classList.remove("shown"), 3000);
}

// A button whose call fails says why.
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof AdminError)) return;
  event.preventDefault();
  say(event.reason.message);
});

// The other language shows the same, also what scripts have added to the URL.
const other = document.querySelector(".aside a[hreflang]");
other.addEventListener("click", () => {
  const query = new URLSearchParams(location.search);
  query.set("lang", chinese ? "en" : "zh");
  other.search = query;
});

/** Copies a text to the clipboard. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Plain http on another machine than this one has no clipboard API.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(t("Copied", "已复制"));
}

const quote = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Returns a curl command for a signed call; the body is a text or an object. */
export function curl(url, query, body) {
  const data = typeof body === "string" ? body : JSON.stringify(body);
  return `curl -sS ${quote(`${url}?${query}`)} \\\n  -H 'Content-Type: application/json' -d ${quote(data)}`;
}

/** Returns a curl command for an operation, signed now by the server for the app. */
export async function signedCurl(operation, body, appkey) {
  const { query } = await call("GET", withQuery("sign", { appkey }));
  return curl(`${server}/v2/video/${operation}`, query, body);
}

/** Returns the path of an answer of the API that is not recorded in the journal. */
export function previewPath(operation, body, appkey) {
  return withQuery("preview", { operation, body: JSON.stringify(body), appkey });
}

const shifted = (seconds) => new Date((Number(seconds) + 8 * 3600) * 1000).toISOString();
export const utc8 = {
  time: (seconds) => shifted(seconds).slice(11, 19),
  minute: (seconds) => shifted(seconds).slice(11, 16),
  day: (seconds) => shifted(seconds).slice(0, 10),
  full: (seconds) => shifted(seconds).slice(0, 19).replace("T", " "),
};

export const count = (number) => Number(number).toLocaleString("en-US");

/** Returns a number with its English noun: `1 room`, `2 rooms`. */
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** Returns a duration in the two largest of hours, minutes and seconds; a long one in hours. */
export function duration(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)];
  if (hours >= 100) return t(`${count(hours)} h`, `${count(hours)} 小时`);
  if (hours) return t(`${count(hours)} h ${minutes} min`, `${count(hours)} 小时 ${minutes} 分`);
  if (minutes) return t(`${minutes} min ${rest} s`, `${minutes} 分 ${rest} 秒`);
  return t(`${rest} s`, `${rest} 秒`);
}

for (const clock of document.querySelectorAll("[data-clock]:not([data-frozen], #now)")) {
  const ahead = Number(clock.dataset.clock) - Date.now() / 1000;
  setInterval(() => (clock.textContent = utc8.full(Date.now() / 1000 + ahead)), 1000);
}
