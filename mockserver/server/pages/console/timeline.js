// Time lines: the sessions of a room's users, and the days of a user, as rows of an SVG and as text.

import { html, t, count, duration, plural, utc8 } from "./base.js";
import { useEffect, useRef } from "./hooks.mjs";
import { Source } from "./charts.js";
import { useAnswer } from "./data.js";

const MOST = 60; // People of a room whose sessions are asked for one by one.
const DAYS = 7;

/** A bar of time with a segment for each span; all numbers are seconds. */
function Line({ from, to, spans, label }) {
  const at = (second) => (100 * (second - from)) / Math.max(to - from, 1);
  return html`<svg role="img" aria-label=${label} viewBox="0 0 100 16" preserveAspectRatio="none">
    <rect class="track" y="3" width="100" height="10" />
    ${[25, 50, 75].map((x) => html`<line class="tick" x1=${x} x2=${x} y1="0" y2="16" vector-effect="non-scaling-stroke" />`)}
    ${spans.map(([enter, leave]) => html`<rect class="fill" x=${Math.max(at(enter), 0)} y="3" width=${Math.max(Math.min(at(leave), 100) - Math.max(at(enter), 0), 0.3)} height="10" />`)}
  </svg>`;
}

const Axis = ({ texts }) => html`<span class="offscreen">${t("Time", "时间")}</span><div class="axis" aria-hidden="true">${texts.map((text) => html`<span>${text}</span>`)}</div>`;
const span = ([enter, leave]) => `${utc8.time(enter)}–${utc8.time(leave)}`;

function Panel({ id, title, state, show, onClose }) {
  const heading = useRef();
  useEffect(() => {
    heading.current.scrollIntoView({ block: "nearest" });
    heading.current.focus({ preventScroll: true });
  }, []);
  return html`<section class="card" id=${id} aria-labelledby=${`${id}-title`}>
    <div class="row apart">
      <h2 id=${`${id}-title`} tabindex="-1" ref=${heading}>${title}</h2>
      <button type="button" onClick=${onClose}>${t("Close", "关闭")}</button>
    </div>
    ${!state ? html`<p class="empty">${t("Loading…", "加载中……")}</p>` : state[1] ? html`<p class="empty error">${state[1].message}</p>` : show(state[0])}
  </section>`;
}

/** The users of a room over time, and the answer of §2.2. */
export function Room({ room, appkey, ask, onUser, onClose }) {
  const body = { RoomId: room };
  const source = { operation: "query_room_info", body, appkey };
  const state = useAnswer(async () => {
    const answer = await ask("query_room_info", body);
    const begin = Number(answer.CreateTime);
    const end = Number(answer.DestroyTime) || Math.floor(Date.now() / 1000);
    const people = answer.Users.slice(0, MOST).map(async (user) => {
      const window = { UserId: user.UserId, BeginTime: String(begin), EndTime: String(end) };
      const { UserRecords: rooms } = await ask("query_instance_all_records_by_time", window);
      const sessions = rooms.filter(({ RoomId }) => RoomId === room).flatMap(({ RoomRecords }) => RoomRecords);
      return { ...user, spans: sessions.map((each) => [Number(each.EnterTime), Number(each.LeaveTime) || end]) };
    });
    return { answer, begin, end, people: await Promise.all(people) };
  }, [room]);
  const show = ({ answer, begin, end, people }) => {
    const steps = [0, 0.25, 0.5, 0.75, 1].map((part) => utc8.minute(begin + part * (end - begin)));
    return html`
      <p class="summary">${t(
        `${plural(answer.Users.length, "person", "people")} from ${utc8.full(begin)} to ${utc8.time(end)} (${duration(end - begin)})`,
        `${utc8.full(begin)} 至 ${utc8.time(end)}（${duration(end - begin)}），共 ${answer.Users.length} 人`,
      )}</p>
      <div class="tall" tabindex="0">
        <table class="timeline">
          <thead><tr><th scope="col">UserId</th><th scope="col"><${Axis} texts=${steps} /></th><th scope="col" class="number">${t("Audio", "音频")}</th><th scope="col" class="number">${t("Video", "视频")}</th></tr></thead>
          <tbody>
            ${people.map((user) => html`<tr>
              <th scope="row"><button type="button" class="link mono" onClick=${() => onUser(user.UserId)}>${user.UserId}</button></th>
              <td><${Line} from=${begin} to=${end} spans=${user.spans} label=${user.spans.map(span).join(", ")} /></td>
              <td class="number">${duration(user.AudioDuration)}</td>
              <td class="number">${duration(user.VideoDuration)}</td>
            </tr>`)}
          </tbody>
        </table>
      </div>
      ${people.length < answer.Users.length && html`<p class="small">${t(`The first ${MOST} of ${answer.Users.length} people.`, `仅列出 ${answer.Users.length} 人中的前 ${MOST} 人。`)}</p>`}
      <details><summary>${t("Answer of §2.2", "2.2 的响应")}</summary><pre class="block" tabindex="0">${JSON.stringify(answer, null, 2)}</pre></details>
      <${Source} ...${source} />`;
  };
  return html`<${Panel} id="room" title=${t(`Room ${room}`, `房间 ${room}`)} ...${{ state, show, onClose }} />`;
}

/** The records of a user on the days up to the one shown. */
export function Person({ user, appkey, ask, end, onRoom, onClose }) {
  const begin = end + 1 - DAYS * 86400;
  const body = { UserId: user, BeginTime: String(begin), EndTime: String(end) };
  const source = { operation: "query_instance_all_records_by_time", body, appkey };
  const state = useAnswer(() => ask(source.operation, body), [user]);
  const show = ({ UserRecords: rooms }) => {
    const sessions = rooms.flatMap(({ RoomId, RoomRecords }) =>
      RoomRecords.map((each) => ({ RoomId, span: [Number(each.EnterTime), Number(each.LeaveTime) || end], audio: each.AudioDuration, video: each.VideoDuration })),
    );
    sessions.sort((one, other) => other.span[0] - one.span[0]);
    const days = Array.from({ length: DAYS }, (_, index) => begin + index * 86400).reverse();
    return html`
      <p class="summary">${t(
        `${plural(sessions.length, "session")} in ${plural(rooms.length, "room")} over ${DAYS} days`,
        `${DAYS} 天内在 ${count(rooms.length)} 个房间有 ${count(sessions.length)} 次会话`,
      )}</p>
      <div class="scroll" tabindex="0"><table class="timeline">
        <thead><tr><th scope="col">${t("Day", "日期")}</th><th scope="col"><${Axis} texts=${["00:00", "06:00", "12:00", "18:00", "24:00"]} /></th><th scope="col" class="number">${t("Call time", "通话时长")}</th></tr></thead>
        <tbody>
          ${days.map((day) => {
            const spans = sessions.map((each) => each.span).filter(([enter, leave]) => enter < day + 86400 && leave > day);
            const seconds = spans.reduce((sum, [enter, leave]) => sum + Math.min(leave, day + 86400) - Math.max(enter, day), 0);
            return html`<tr>
              <th scope="row" class="nowrap">${utc8.day(day)}</th>
              <td><${Line} from=${day} to=${day + 86400} spans=${spans} label=${spans.map(span).join(", ") || t("no calls", "无通话")} /></td>
              <td class="number">${seconds ? duration(seconds) : "–"}</td>
            </tr>`;
          })}
        </tbody>
      </table></div>
      ${sessions.length > 0 && html`<div class="tall" tabindex="0">
        <table>
          <thead><tr><th scope="col">RoomId</th><th scope="col">${t("From", "进入")}</th><th scope="col">${t("To", "离开")}</th><th scope="col" class="number">${t("Audio", "音频")}</th><th scope="col" class="number">${t("Video", "视频")}</th></tr></thead>
          <tbody>${sessions.map((each) => html`<tr>
            <td><button type="button" class="link mono" onClick=${() => onRoom(each.RoomId)}>${each.RoomId}</button></td>
            <td class="nowrap">${utc8.full(each.span[0])}</td><td class="nowrap">${utc8.full(each.span[1])}</td>
            <td class="number">${duration(each.audio)}</td><td class="number">${duration(each.video)}</td>
          </tr>`)}</tbody>
        </table>
      </div>`}
      <${Source} ...${source} />`;
  };
  return html`<${Panel} id="person" title=${t(`User ${user}`, `用户 ${user}`)} ...${{ state, show, onClose }} />`;
}
