// The report: the choice of an app loads its report.

const form = document.getElementById("scope");
form.addEventListener("change", () => {
  const appkey = form.elements.appkey.value;
  location.search = new URLSearchParams(appkey ? { appkey } : {});
});
