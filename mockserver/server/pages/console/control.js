// Control: each form or button is one call of the admin API; then the parts of the page that show the state are reloaded.

import { call, copy, html, render, say, t, utc8, withQuery } from "./base.js";

const scope = document.getElementById("appkey");
const failure = document.getElementById("failure");
const main = document.getElementById("main");

/** Returns the path of a resource for the chosen app, or for all. */
const scoped = (path, appkey = scope.value) => withQuery(path, { appkey });

/** Replaces the parts that show the current settings. */
async function refresh() {
  const response = await fetch(location.href);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) part.replaceChildren(...page.getElementById(part.id).childNodes);
}

function fields(form) {
  const values = {};
  for (const input of form.elements) {
    if (!input.name || input.value === "" || input.closest("fieldset:disabled")) continue;
    const { type } = input.dataset;
    const [name, part] = input.name.split("."); // `uniform.min_ms` is a field of the object `uniform`.
    const value = type === "number" ? Number(input.value) : input.value;
    if (part) values[name] = { ...values[name], [part]: value };
    else values[name] = value;
  }
  return values;
}

function showKeys(keys) {
  const text = Object.entries(keys).map(([name, value]) => `${name}: ${value}`).join("\n");
  const shown = html`<p class="small">${t("Copy the keys now: they are not shown again.", "请立即复制密钥，之后不再显示。")}</p><div class="code"><pre tabindex="0">${text}</pre><button type="button" class="button" onClick=${() => copy(text)}>${t("Copy", "复制")}</button></div>`;
  render(shown, document.getElementById("keys"));
}

const ACTIONS = {
  reset: () => call("POST", scoped("reset")),
  scenario: ({ form }) => call("PUT", scoped("scenario"), fields(form)),
  answer: ({ id }) => call("DELETE", scoped(`answers/${encodeURIComponent(id)}`)),
  freeze: ({ form }) => call("PUT", scoped("clock"), { now: `${form.elements.at.value.padEnd(19, ":00")}+08:00` }),
  shift: ({ form }) => call("PUT", scoped("clock"), { offset_seconds: Number(form.elements.offset_seconds.value) }),
  advance: ({ form }) => call("PUT", scoped("clock"), { advance_seconds: Number(form.elements.advance_seconds.value) }),
  clock: () => call("DELETE", scoped("clock")),
  inject: ({ form }) => call("POST", scoped("faults"), fields(form)),
  fault: ({ id, appkey }) => call("DELETE", scoped(`faults/${encodeURIComponent(id)}`, appkey || scope.value)),
  faults: () => call("DELETE", scoped("faults")),
  reading: ({ name, value }) => call("PUT", scoped("readings"), { [name]: value }),
  readings: () => call("PUT", scoped("readings"), {}),
  create: async () => showKeys(await call("POST", "apps", {})),
  app: ({ id }) => call("DELETE", `apps/${encodeURIComponent(id)}`),
};

/** Acts, and reports a failure at the top of the form or section that `target` belongs to. */
async function act(name, given, target) {
  failure.hidden = true;
  try {
    await ACTIONS[name](given);
    await refresh();
    say(t("Done", "已完成"));
  } catch (error) {
    target.closest("form[data-action], section")?.prepend(failure);
    failure.textContent = error.message;
    failure.hidden = false;
    failure.scrollIntoView({ block: "nearest" });
  }
}

main.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.action) return;
  event.preventDefault();
  act(form.dataset.action, { form }, form);
});
main.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-action]");
  if (!button) return;
  const { action, confirm: question } = button.dataset;
  if (!question || confirm(question)) act(action, button.dataset, button);
});
main.addEventListener("change", ({ target }) => {
  if (target === scope) location.search = new URLSearchParams(scope.value ? { appkey: scope.value } : {});
  const { reading: name } = target.dataset;
  if (name) act("reading", { name, value: target.type === "number" ? Number(target.value) : target.value }, target);
});

const kind = document.getElementById("kind");
kind.addEventListener("change", () => {
  for (const set of document.querySelectorAll("[data-kind]")) set.hidden = set.disabled = set.dataset.kind !== kind.value;
});

// `refresh` replaced the clock: it continues from the time of the server.
let shownAt = 0;
let ahead = 0;
setInterval(() => {
  const clock = document.getElementById("now");
  if (clock.dataset.clock !== shownAt) [shownAt, ahead] = [clock.dataset.clock, Number(clock.dataset.clock) - Date.now() / 1000];
  if (!("frozen" in clock.dataset)) clock.textContent = utc8.full(Date.now() / 1000 + ahead);
}, 1000);
