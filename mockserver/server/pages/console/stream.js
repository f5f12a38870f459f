// News of the journal. One tab of a browser holds the stream and passes it on to the others; without streams, tabs ask
// once a second. A hidden tab neither holds the stream nor asks.

import { admin, call, withQuery } from "./base.js";

const NAME = `mockserver ${admin}`;
const POLL = 1000;

/**
 * Calls `onNews({requests, last, skipped, cleared})` with the requests after a position, then with new ones. After the
 * journal was cleared or the server restarted, `cleared` is another number, and all requests are reported again.
 */
export async function follow(onNews, limit, after = 0) {
  let last = after;
  let cleared;
  let waiting = null; // News that arrived while this tab was asking for what it has missed.
  const take = (news) => {
    if (waiting) return void waiting.push(news);
    const known = cleared === undefined || news.cleared === cleared;
    cleared = news.cleared;
    if (!known) {
      last = 0;
      return void catchUp();
    }
    // Messages of another tab may be older than what this one has asked for.
    if (news.last < last) return;
    const requests = news.requests.filter((row) => row.number > last);
    last = news.last;
    onNews({ ...news, requests });
  };
  const catchUp = async () => {
    waiting ??= [];
    const path = withQuery("requests/feed", { after: last, limit });
    const missed = await call("GET", path).catch(() => null);
    const later = waiting ?? [];
    waiting = null;
    showConnection(missed !== null);
    for (const news of [missed, ...later]) if (news) take(news);
  };

  const channel = new BroadcastChannel(NAME);
  channel.onmessage = ({ data }) => ("connected" in data ? showConnection(data.connected) : take(data));
  let end = () => {};

  const lead = () =>
    new Promise((resolve) => {
      const source = new EventSource(withQuery(`${admin}console/stream`, { after: last }));
      let timer;
      const show = (connected) => {
        showConnection(connected);
        channel.postMessage({ connected });
      };
      source.onopen = () => show(true);
      source.onmessage = ({ data }) => {
        const news = JSON.parse(data);
        take(news);
        channel.postMessage(news);
      };
      source.onerror = () => {
        if (source.readyState !== EventSource.CLOSED) show(false);
        else timer ??= setInterval(() => catchUp(), POLL);
      };
      end = () => {
        source.close();
        clearInterval(timer);
        resolve();
      };
    });

  const start = async () => {
    if (document.hidden) return;
    await catchUp();
    const turn = new AbortController();
    end = () => turn.abort();
    // Other origins than localhost have locks only with https; there each tab has a stream of its own.
    if (!navigator.locks) return void lead();
    navigator.locks.request(NAME, { signal: turn.signal }, lead).catch(() => {});
  };
  document.addEventListener("visibilitychange", () => {
    end();
    start();
  });
  await start();
}

/** Says that the server does not answer, until it does. */
function showConnection(connected) {
  document.getElementById("offline").hidden = connected;
}
