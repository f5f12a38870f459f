"use strict";

// Shows openapi.json in Swagger UI and signs the requests of "Try it out". The server signs, so no secret is sent here.

const pageQuery = new URLSearchParams(location.search);
if (!pageQuery.has("lang")) pageQuery.set("lang", navigator.language.startsWith("zh") ? "zh" : "en");
const dark = matchMedia("(prefers-color-scheme: dark)");
const setScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", setScheme);
setScheme();
// The page is at BASE/__admin/docs. BASE may have a path, behind a reverse proxy.
const base = new URL("..", location.href).href.replace(/\/$/, "");

/** Returns the request with a signed query, or unchanged when the user has entered a checksum. */
async function sign(spec, request) {
  const url = new URL(request.url, location.href);
  if (!url.href.startsWith(base) || !(url.href.slice(base.length).replace(/[?#].*/, "") in spec.paths)) return request;
  const query = url.searchParams;
  const example = (name) => spec.components.parameters[name].example;
  if ((query.get("checksum") ?? example("checksum")) !== example("checksum")) return request;
  const parameters = new URLSearchParams();
  for (const name of ["appkey", "identifier", "seq"]) {
    const value = query.get(name);
    if (value !== null && !(name === "seq" && value === example("seq"))) parameters.set(name, value);
  }
  const response = await fetch(`sign?${parameters}`);
  // Without a signature, for example for an unknown appkey, the API itself reports the error.
  if (!response.ok) return request;
  url.search = (await response.json()).query;
  return { ...request, url: url.href };
}

async function show() {
  const response = await fetch(`openapi.json?${pageQuery}`);
  const spec = await response.json();
  if (!response.ok) throw new Error(spec.message);
  // The page calls the API where it was loaded from, whatever the URL of the document is for others.
  spec.servers = [{ url: base }];
  document.documentElement.lang = "x-title-en" in spec.info ? "zh" : "en";
  document.title = spec.info.title;
  window.ui = SwaggerUIBundle({
    spec,
    dom_id: "#swagger-ui",
    deepLinking: true,
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    requestInterceptor: (request) => sign(spec, request),
  });
}

show().catch((error) => {
  document.getElementById("swagger-ui").textContent = String(error);
});
