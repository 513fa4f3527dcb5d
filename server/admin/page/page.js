// The status page: follows /api/events and shows each look of the server. Nothing here changes the server.

import {Charts, History} from "/assets/charts.js";
import {delay, delayText} from "/assets/delay.js";
import {badge, byId, element, meter, setAttribute, setText} from "/assets/dom.js";
import {drawFlow} from "/assets/flow.js";
import {byteRate, bytes, clock, count, duration, percent, plural, rate, words} from "/assets/format.js";
import {follow, getJson, saveToken} from "/assets/stream.js";
import {Table, metered, stated, titled} from "/assets/tables.js";
import {behind, losses, verdict} from "/assets/verdict.js";

const share = (queue) => (queue.max_bytes ? queue.bytes / queue.max_bytes : 0);
const sum = (counts) => Object.values(counts).reduce((all, one) => all + one, 0);
const warnIf = (value) => (value > 0 ? "loss" : null);
/** A loss has a sign before it, so that colour is not all that tells. */
const lossRate = (value) => (value > 0 ? `! ${rate(value)}` : "0");
const lossCount = (value) => (value > 0 ? `! ${count(value)}` : "0");

// ---- tables

const name = {key: "name", title: "Name", of: (row) => row.name};

function gateState({gate}) {
  return gate.open ? ["good", "open", ""] : ["wait", "waits", `gate shut by ${gate.shut_by.join(", ")}`];
}

function sinkState(sink) {
  if (behind(sink)) return ["wait", "behind", `records are kept on disk: ${sink.disk_queue.delivery_error}`];
  if (sink.failing) return ["loss", "failing", sink.last_error];
  if (!sink.queue.open) return ["wait", "full", "takes no data: gates are shut"];
  return ["good", "ok", sink.diverted ? "given up at the stop" : ""];
}

/** "1,200 in 64 MiB of 1 GiB" */
const onDisk = (disk) => (disk ? `${count(disk.records)} in ${bytes(disk.bytes)} of ${bytes(disk.max_bytes)}` : "–");

const queueTone = (sink) => (sink.failing && !behind(sink) ? "loss" : sink.queue.open ? null : "wait");

const listeners = new Table(byId("listeners"), {
  caption: "Listeners", key: (row) => row.name, empty: "No listener.",
  columns: [
    {...name, draw: titled((row) => row.name, (row) => [`${row.protocol}, ${row.framing}`, ...row.urls.map((url) => url.url)].join("\n"))},
    {key: "gate", title: "Gate", of: (row) => (row.gate.open ? "open" : "shut"), draw: stated(gateState)},
    {key: "read_rate", title: "Input", number: true, of: (row) => row.rates.read_bytes_per_second, show: byteRate},
    {key: "event_rate", title: "Records", number: true, of: (row) => row.rates.events_per_second, show: rate},
    {key: "lost_rate", title: "Lost", number: true, of: (row) => row.rates.lost_per_second, show: lossRate, tone: (row) => warnIf(row.rates.lost_per_second)},
    {key: "kernel_drops", title: "Kernel drops", number: true, of: (row) => row.kernel_drops, show: lossCount, tone: (row) => warnIf(row.kernel_drops)},
    {key: "active", title: "Connections", number: true, of: (row) => row.connections.active, show: count},
    {key: "paused", title: "Paused", number: true, of: (row) => row.connections.paused, show: count, tone: (row) => (row.connections.paused ? "wait" : null)},
    {key: "receive_queue_bytes", title: "Recv-Q", number: true, of: (row) => row.kernel.receive_queue_bytes, show: bytes, tone: (row) => (row.gate.open ? null : "wait")},
    {key: "send_queue_bytes", title: "Send-Q", number: true, of: (row) => row.kernel.send_queue_bytes, show: bytes},
    {key: "accept_queue", title: "Accept queue", number: true, of: (row) => row.kernel.accept_queue, show: count},
  ],
});

const sinks = new Table(byId("sinks"), {
  caption: "Sinks", key: (row) => row.name, empty: "No sink.",
  columns: [
    {...name, draw: titled((row) => row.name, (row) => row.type)},
    {key: "state", title: "State", of: (row) => sinkState(row)[1], draw: stated(sinkState)},
    {key: "queue", title: "Queue", of: (row) => row.queue.bytes,
     draw: metered("Queue fill", (row) => [share(row.queue), queueTone(row), `${percent(share(row.queue))} of ${bytes(row.queue.max_bytes)}`])},
    {key: "peak_bytes", title: "Peak", number: true, of: (row) => row.queue.peak_bytes, show: bytes},
    {key: "delivered_rate", title: "Delivered", number: true, of: (row) => row.rates.delivered_per_second, show: rate},
    {key: "delay", title: "Delay p99", number: true, of: (row) => row.delay ?? -1, show: (_, row) => delayText(row.delay)},
    {key: "delivered", title: "In all", number: true, of: (row) => row.delivered, show: count},
    {key: "queued", title: "Queued", number: true, of: (row) => row.queued, show: count},
    {key: "lost", title: "Lost", number: true, of: (row) => row.lost, show: lossCount, tone: (row) => warnIf(row.lost)},
    {key: "disk", title: "On disk", number: true, of: (row) => row.disk_queue?.records ?? -1, show: (_, row) => onDisk(row.disk_queue),
     tone: (row) => (behind(row) ? "wait" : null)},
  ],
});

const paused = new Table(byId("paused"), {
  caption: "Paused connections", key: (row) => row.id, empty: "No connection is paused.",
  columns: [
    {key: "peer", title: "Peer", of: (row) => row.peer || row.url,
     draw: titled((row) => row.peer || row.url, (row) => [row.listener, row.command].filter(Boolean).join(", "))},
    {key: "paused_by", title: "Waits for", of: (row) => row.paused_by ?? "", show: (value) => value || "-"},
    {key: "paused_seconds", title: "Since", number: true, of: (row) => row.paused_seconds ?? 0, show: duration},
    {key: "receive_queue_bytes", title: "Recv-Q", number: true, of: (row) => row.receive_queue_bytes ?? 0, show: bytes},
    {key: "read_bytes", title: "Read", number: true, of: (row) => row.read_bytes, show: bytes},
  ],
});

const lost = new Table(byId("losses"), {
  caption: "Losses", key: (row) => `${row.where}: ${row.what}`, empty: "Nothing was lost.",
  columns: [
    {key: "where", title: "Where", of: (row) => row.where},
    {key: "what", title: "Why", of: (row) => row.what},
    {key: "count", title: "How much", number: true, of: (row) => row.count, show: (value, row) => `! ${count(value)} ${row.unit}`, tone: () => "loss"},
  ],
});

const quarantine = new Table(byId("quarantine"), {
  caption: "Quarantine by reason", key: (row) => `${row.listener}: ${row.reason}`, empty: "The quarantine is empty.",
  columns: [
    {key: "reason", title: "Reason", of: (row) => row.reason, show: words},
    {key: "listener", title: "Listener", of: (row) => row.listener},
    {key: "count", title: "Entries", number: true, of: (row) => row.count, show: count},
    {key: "bytes", title: "Bytes", number: true, of: (row) => row.bytes, show: bytes},
  ],
});

const code = (cell) => {
  const text = element("code");
  cell.append(text);
  return (row) => setText(text, row.bytes);
};

const last = new Table(byId("last"), {
  caption: "Last entries of the quarantine", key: (row) => row.key, empty: "None yet.",
  columns: [
    {key: "time", title: "Time", of: (row) => row.time, show: (value) => clock(Date.parse(value))},
    {key: "reason", title: "Reason", of: (row) => row.reason, show: words},
    {key: "peer", title: "Peer", of: (row) => row.peer, draw: titled((row) => row.peer || "-", (row) => row.listener)},
    {key: "size", title: "Size", number: true, of: (row) => row.size, show: bytes},
    {key: "bytes", title: "Bytes, escaped and cut", of: (row) => row.bytes, draw: code},
  ],
});

const kOrderly = new Set(["clean", "probe", "quiet", "timeout", "deadline"]);
const ended = new Table(byId("ended"), {
  caption: "Connections by outcome", key: (row) => `${row.listener}: ${row.outcome}`, empty: "None has ended.",
  columns: [
    {key: "listener", title: "Listener", of: (row) => row.listener},
    {key: "outcome", title: "Outcome", of: (row) => row.outcome, show: (value) => (kOrderly.has(value) ? "" : "! ") + words(value),
     tone: (row) => (kOrderly.has(row.outcome) ? null : "loss")},
    {key: "count", title: "Connections", number: true, of: (row) => row.count, show: count},
  ],
});

/** The parts of the document with their rates, and sinks with what their routes moved. */
function joined(previous, status) {
  const rateOf = (list, name) => list.find((one) => one.name === name) ?? {};
  const routesTo = (sink) => status.routes.filter((route) => route.sink === sink.name);
  const total = (sink, value) => routesTo(sink).reduce((all, route) => all + value(route), 0);
  return {
    listeners: status.listeners.map((one) => ({...one, rates: rateOf(status.rates.listeners, one.name)})),
    sinks: status.sinks.map((one) => ({...one, rates: rateOf(status.rates.sinks, one.name), delivered: total(one, (route) => route.delivered),
                                       delay: delay(previous, routesTo(one)), queued: total(one, (route) => route.queued), lost: total(one, (route) => sum(route.lost))})),
  };
}

const kFirst = 10;  // entries, until all are asked for
const more = byId("more");
more.addEventListener("click", () => {
  more.dataset.all = more.dataset.all ? "" : "yes";
  drawLast(status.quarantine.last);
});

/** Rows are told apart by their time, of which two may have the same. */
function drawLast(entries) {
  const times = new Map();
  const keyed = entries.map((entry) => {
    const nth = times.get(entry.time) ?? 0;
    times.set(entry.time, nth + 1);
    return {...entry, key: `${entry.time} ${nth}`};
  });
  last.update(more.dataset.all ? keyed : keyed.slice(0, kFirst));
  more.hidden = entries.length <= kFirst;
  setText(more, more.dataset.all ? `Show the last ${kFirst}` : `Show all ${entries.length}`);
}

function drawQuarantine({entries, dropped, leftover, by_reason, last: latest}) {
  setText(byId("quarantine-note"),
          `${plural(entries, "entry", "entries")} written, ${plural(dropped, "entry", "entries")} dropped for want of room, ${plural(leftover, "record")} left over for the next start.`);
  setAttribute(byId("quarantine-note"), "data-tone", warnIf(dropped));
  quarantine.update(by_reason);
  drawLast(latest);
}

// ---- the state

const kTones = {starting: "wait", serving: "good", draining: "wait", ended: "off"};

class Facts {
  #texts = new Map();
  #memory = meter("Memory");

  constructor(host) {
    for (const title of ["Phase", "Uptime", "Connections", "Paused", "Memory", "Input", "Delivered"]) {
      const text = element("dd", {"data-key": title.toLowerCase()}, ...(title === "Memory" ? [this.#memory.node] : []));
      host.append(element("div", {}, element("dt", {}, title), text));
      this.#texts.set(title, text);
    }
    this.phase = badge("off", "");
    this.#texts.get("Phase").append(this.phase);
  }

  draw(status) {
    const {memory, connections, rates} = status;
    setText(this.phase, status.phase);
    setAttribute(this.phase, "data-tone", kTones[status.phase]);
    setText(this.#texts.get("Uptime"), duration(status.uptime_seconds));
    setText(this.#texts.get("Connections"), `${count(connections.active)} of ${count(connections.max)}`);
    setText(this.#texts.get("Paused"), count(connections.paused));
    setAttribute(this.#texts.get("Paused"), "data-tone", connections.paused ? "wait" : null);
    setText(this.#texts.get("Input"), byteRate(rates.read_bytes_per_second));
    setText(this.#texts.get("Delivered"), rate(rates.delivered_per_second));
    const used = memory.max_bytes ? memory.used_bytes / memory.max_bytes : 0;
    this.#memory.set(used, memory.pressed ? "wait" : null, `${bytes(memory.used_bytes)} of ${bytes(memory.max_bytes)}${memory.pressed ? ", pressed" : ""}`);
  }
}

function drawVerdict(found) {
  const items = found.map(({tone, word, text, detail}) => element("li", {"data-tone": tone}, badge(tone, word),
    element("span", {}, element("strong", {}, text), detail ? ` ${detail}` : "")));
  byId("verdict").replaceChildren(...items);
  // Figures change each second and are not spoken: only what is the matter is.
  setText(byId("spoken"), found.map((one) => one.text).join(" "));
}

// ---- following the server

const history = new History();
const facts = new Facts(byId("facts"));
const charts = new Charts(byId("charts"), history);
let status = null, previous = null;  // the last two looks
let lastEvent_ms = 0;
let asked_ms = 0;  // when the paused connections were
const kPausedEvery_ms = 2500;  // the server goes through all connections for it

async function drawPaused() {
  if (status.connections.paused === 0) {
    setText(paused.empty, "No connection is paused.");
    return paused.update([]);
  }
  if (Date.now() - asked_ms < kPausedEvery_ms) return;
  asked_ms = Date.now();
  try {
    paused.update((await getJson("/api/sockets?paused=1&sort=-paused_seconds&limit=20")).sockets);
  } catch {
    paused.update([]);
    setText(paused.empty, `${plural(status.connections.paused, "connection")} paused; the list could not be fetched.`);
  }
}

function draw() {
  if (!status || document.hidden) return;
  const {listeners: ofListeners, sinks: ofSinks} = joined(previous, status);
  drawVerdict(verdict(status, history.points));
  facts.draw(status);
  drawFlow(byId("flow"), status);
  charts.draw();
  listeners.update(ofListeners);
  sinks.update(ofSinks);
  lost.update(losses(status));
  drawQuarantine(status.quarantine);
  ended.update(status.listeners.flatMap((one) =>
    Object.entries(one.connections.ended).map(([outcome, number]) => ({listener: one.name, outcome, count: number}))));
  setText(byId("host"), status.host);
  setText(byId("foot"), `Penstock ${status.version}, process ${status.pid}, ${status.config}, counts of ${clock(Date.parse(status.time))}`);
  document.title = `${verdict(status, history.points)[0].word}: ${status.host} - Penstock`;
  document.documentElement.dataset.seen = status.time;
  drawPaused();
}

function onEvent(name, data) {
  lastEvent_ms = Date.now();
  if (name === "history") return history.reset(data);
  if (name !== "status") return undefined;
  previous = status?.started === data.started ? status : null;
  status = data;
  history.add(status);
  return draw();
}

let linkState = "connecting";

function onState(state) {
  linkState = state;
  showLink();
}

function linkWords() {
  if (linkState === "live") return ["good", "live"];
  if (linkState === "token") return ["wait", "token wanted"];
  const since = lastEvent_ms ? ` for ${duration((Date.now() - lastEvent_ms) / 1000)}` : "";
  if (linkState === "busy") return ["loss", "server has no stream left, trying again"];
  if (linkState === "lost") return ["loss", `no connection${since}, trying again`];
  return ["off", "connecting"];
}

function showLink() {
  const [tone, text] = linkWords();
  setText(byId("link"), text);
  setAttribute(byId("link"), "data-tone", tone);
  document.body.classList.toggle("stale", linkState !== "live" && status !== null);
  if (linkState !== "live" && status !== null)
    drawVerdict([{tone: "off", word: "old", text: "The connection to the server is lost. What stands below is old.",
                  detail: `Counts of ${clock(Date.parse(status.time))}; trying again.`}]);
  const form = byId("token-form");
  if (linkState === "live") form.hidden = true;
  if (linkState !== "token" || !form.hidden) return;
  form.hidden = false;
  byId("token").focus();
}

// ---- colour scheme

const kSchemes = ["system", "light", "dark"];

function applyScheme(scheme) {
  if (scheme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = scheme;
  setText(byId("theme"), `Scheme: ${scheme}`);
  setAttribute(byId("theme"), "aria-label", `Colour scheme: ${scheme === "system" ? "as the system" : scheme}`);
}

function startScheme() {
  let scheme = localStorage.getItem("penstock-scheme");
  if (!kSchemes.includes(scheme)) scheme = "system";
  applyScheme(scheme);
  byId("theme").addEventListener("click", () => {
    scheme = kSchemes[(kSchemes.indexOf(scheme) + 1) % kSchemes.length];
    localStorage.setItem("penstock-scheme", scheme);
    applyScheme(scheme);
  });
}

startScheme();
const again = follow(onEvent, onState);
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  saveToken(byId("token").value.trim());
  byId("token").value = "";
  setText(byId("token-note"), "");
  again().then(() => linkState === "token" && setText(byId("token-note"), "That is not the token."));
});
document.addEventListener("visibilitychange", draw);
new ResizeObserver(() => status && drawFlow(byId("flow"), status)).observe(byId("flow"));
setInterval(() => linkState !== "live" && showLink(), 1000);
