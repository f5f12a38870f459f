"use strict";

// Shows openapi.json and signs what "Try it out" sends. The server makes the signature, so no secret comes here.

const asked = new URLSearchParams(location.search);

/** The request with a signed query, unless somebody wrote a checksum of their own. */
async function signed(spec, request) {
  const url = new URL(request.url, location.href);
  if (url.origin !== location.origin || !(url.pathname in spec.paths)) return request;
  const given = url.searchParams;
  const sample = (name) => spec.components.parameters[name].example;
  if ((given.get("checksum") ?? sample("checksum")) !== sample("checksum")) return request;
  const wish = new URLSearchParams();
  for (const name of ["appkey", "identifier", "seq"]) {
    const value = given.get(name);
    if (value !== null && !(name === "seq" && value === sample("seq"))) wish.set(name, value);
  }
  const answer = await fetch(`sign?${wish}`);
  // An app that nobody knows has no signature: the API says so itself.
  if (!answer.ok) return request;
  url.search = (await answer.json()).query;
  return { ...request, url: url.href };
}

async function show() {
  const answer = await fetch(`openapi.json?${asked}`);
  const spec = await answer.json();
  if (!answer.ok) throw new Error(spec.message);
  document.documentElement.lang = "x-title-en" in spec.info ? "zh" : "en";
  document.title = spec.info.title;
  window.ui = SwaggerUIBundle({
    spec,
    dom_id: "#swagger-ui",
    deepLinking: true,
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    requestInterceptor: (request) => signed(spec, request),
  });
}

show().catch((error) => {
  document.getElementById("swagger-ui").textContent = String(error);
});
