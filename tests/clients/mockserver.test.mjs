// Test a Node client against mockserver: `node --test mockserver.test.mjs` (Node 18 or later, no packages).
// Uses the server at MOCKSERVER_URL (with MOCKSERVER_ADMIN_TOKEN if it has a token), or starts one: `mockserver` on the PATH.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";

// Your client. This one signs (§1.1.2), and tries again once, a second after the error server_busy.
async function queryRoom(url, app, roomId) {
  for (let attempt = 1; ; attempt++) {
    const curtime = String(Math.floor(Date.now() / 1000));
    const checksum = createHash("sha1").update(app.appsecret + app.restapikey + curtime).digest("hex");
    const query = new URLSearchParams({ appkey: app.appkey, identifier: "admin", curtime, checksum, seq: randomUUID() });
    const response = await fetch(`${url}/v2/video/query_room_info?${query}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ RoomId: roomId }),
    });
    const answer = await response.json();
    if (answer.ErrorCode !== 1402 || attempt === 2) return answer;
    await setTimeout(1100);
  }
}

let url = process.env.MOCKSERVER_URL;
let server, app;

async function admin(method, path, body = {}) {
  const headers = { "Content-Type": "application/json", "X-Mock-Admin": "1" };
  if (process.env.MOCKSERVER_ADMIN_TOKEN) headers.Authorization = `Bearer ${process.env.MOCKSERVER_ADMIN_TOKEN}`;
  const response = await fetch(`${url}/__admin/${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: HTTP ${response.status} ${text}`);
  return JSON.parse(text);
}

async function start() {
  server = spawn("mockserver", ["serve", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const failed = new Promise((_, reject) => server.once("error", reject)); // not on the PATH
  const ready = (async () => {
    for await (const line of createInterface({ input: server.stdout })) return line;
    throw new Error("mockserver did not start"); // its reason is above
  })();
  return (await Promise.race([ready, failed])).match(/https?:\/\/[^\s,]+/)[0]; // "mockserver ready on http://127.0.0.1:43210 …"
}

before(async () => {
  url ||= await start();
  app = await admin("POST", "apps"); // { appkey, appsecret, restapikey }: nobody else's requests are seen or disturbed
});

after(async () => {
  try {
    if (!app) return;
    const report = await admin("POST", "report", { form: "text", appkeys: [app.appkey], fail_on_violations: true });
    console.log(report.rendered);
    await admin("DELETE", `apps/${app.appkey}`);
    assert.deepEqual(report.complaints, []);
  } finally {
    server?.kill();
  }
});

test("the client tries again when the server is busy", async () => {
  await admin("POST", `faults?appkey=${app.appkey}`, { fault: "error", name: "server_busy", times: 1 });
  const answer = await queryRoom(url, app, "987654321");
  assert.equal(answer.Status, "OK");
  assert.ok(answer.Users.length > 0);
  const expected = { operation: "query_room_info", when: { body: { RoomId: "987654321" } }, count: 2 };
  const verified = await admin("POST", `requests/verify?appkey=${app.appkey}`, expected);
  assert.ok(verified.ok, JSON.stringify(verified, null, 2));
});
