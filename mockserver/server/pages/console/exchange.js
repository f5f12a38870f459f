// Copies an exchange: as a curl command that is signed now, as HAR, or as a pytest test.

import { call, copy, curl, server, withQuery } from "./base.js";

async function asCurl(entry) {
  const { identifier } = entry.request.query;
  const { query } = await call("GET", withQuery("sign", { appkey: entry.appkey, identifier }));
  return curl(server + entry.request.path, query, entry.request.body ?? "");
}

function asHar(entry) {
  const { request, answer } = entry;
  const list = (values) => Object.entries(values).map(([name, value]) => ({ name, value }));
  const milliseconds = 1000 * (entry.seconds + entry.delivery_seconds);
  const har = {
    startedDateTime: entry.time,
    time: milliseconds,
    request: {
      method: request.method,
      url: `${server}${request.path}?${new URLSearchParams(request.query)}`,
      httpVersion: "HTTP/1.1",
      headers: list(request.headers),
      queryString: list(request.query),
      cookies: [],
      headersSize: -1,
      bodySize: request.body_length,
      postData: { mimeType: request.headers["content-type"] ?? "", text: request.body ?? "" },
    },
    response: {
      status: answer.status,
      statusText: "",
      httpVersion: "HTTP/1.1",
      headers: [],
      cookies: [],
      content: { size: answer.body_length, mimeType: "application/json", text: answer.body ?? "" },
      redirectURL: "",
      headersSize: -1,
      bodySize: answer.body_length,
    },
    cache: {},
    timings: { send: 0, wait: milliseconds, receive: 0 },
  };
  return JSON.stringify({ log: { version: "1.2", creator: { name: "mockserver", version: "1" }, entries: [har] } }, null, 2);
}

function asPytest(entry) {
  const code = entry.answer.body ? JSON.parse(entry.answer.body).ErrorCode : 0;
  const name = entry.operation || "request";
  return `import json
import urllib.request


def test_${name}(mockserver):
    body = ${JSON.stringify(entry.request.body ?? "")}
    url = mockserver.signed_url("${name}")
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["ErrorCode"] == ${code}
`;
}

const forms = { curl: asCurl, har: asHar, pytest: asPytest };
const place = document.getElementById("copies");
place.addEventListener("click", async ({ target }) => {
  const form = forms[target.dataset.copy];
  if (!form) return;
  await copy(await form(await call("GET", `requests/${place.dataset.id}`)));
});
