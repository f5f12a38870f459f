// The overview: the line to copy is signed again when it is copied, because a signature expires.

import { call, copy, curl } from "./base.js";

const line = document.getElementById("curl");
document.getElementById("copy-curl").addEventListener("click", async () => {
  const { query } = await call("GET", "sign");
  line.textContent = curl(line.dataset.url, query, line.dataset.body);
  await copy(line.textContent);
});
