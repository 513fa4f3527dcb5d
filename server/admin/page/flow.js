// A picture of the way from listener to sink. Lines are as wide as their records a second, sinks as full as their queue,
// and where bytes wait is marked twice: in the kernel before a listener, and at the sink that shuts its gate.

import {svg} from "/assets/dom.js";
import {byteRate, bytes, percent, plural, rate} from "/assets/format.js";
import {behind} from "/assets/verdict.js";

const kMost = 10;  // nodes a side; those with trouble are always among them
const kNode = 68, kGap = 14, kStrip = 8;
const kLetter = 8.4;  // px, about, of the names

const cut = (text, width) => {
  const most = Math.max(4, Math.floor(width / kLetter));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
};
const byName = (items) => new Map(items.map((item) => [item.name, item]));

/** At most kMost, in the order of the config. */
function chosen(items, isTrouble, weight) {
  const order = [...items].sort((a, b) => isTrouble(b) - isTrouble(a) || weight(b) - weight(a));
  const kept = new Set(order.slice(0, kMost));
  return items.filter((item) => kept.has(item));
}

/** y of the middle of each of `number` nodes. */
const places = (number, height) => {
  const used = number * kNode + (number - 1) * kGap;
  return Array.from({length: number}, (_, at) => (height - used) / 2 + at * (kNode + kGap) + kNode / 2);
};

const text = (x, y, words, attributes = {}) => svg("text", {x, y, ...attributes}, words);

/** [what stands in the third line, its tone] */
function listenerState(listener) {
  const queued = listener.kernel.receive_queue_bytes;
  if (!listener.gate.open) return [`${bytes(queued)} in Recv-Q`, "wait"];
  return [queued ? `${bytes(queued)} in Recv-Q` : "Recv-Q empty", null];
}

function listenerNode(listener, rates, y, width) {
  const [state, tone] = listenerState(listener);
  const top = y - kNode / 2;
  const lost = rates?.lost_per_second ?? 0;
  const node = svg("g", {class: "node", "data-kind": "listener", "data-name": listener.name, "data-tone": tone},
    svg("rect", {class: "node-box", x: 0.5, y: top + 0.5, width: width - 1, height: kNode - 1, rx: 8}),
    svg("rect", {class: "node-kernel", x: 0.5, y: top + 0.5, width: kStrip, height: kNode - 1, rx: 4}),
    text(kStrip + 9, top + 20, cut(listener.name, width - 2 * kStrip - 16), {class: "node-name"}),
    text(kStrip + 9, top + 38, `${byteRate(rates?.read_bytes_per_second ?? 0)}`),
    svg("title", {}, listener.name),
    text(kStrip + 9, top + 56, state, {class: tone ? "node-trouble" : ""}));
  if (lost > 0) node.append(text(width + 8, y + 27, `−${rate(lost)}`, {class: "node-loss"}));
  node.append(gate(listener, width, y));
  return node;
}

/** A bar across the way out, and the word, where the gate is shut. */
function gate(listener, x, y) {
  if (listener.gate.open) return svg("circle", {class: "gate-open", cx: x, cy: y, r: 4});
  return svg("g", {class: "gate-shut"}, svg("rect", {x: x - 3, y: y - 17, width: 6, height: 34, rx: 2}),
             text(x + 8, y - 10, "shut"));
}

function sinkState(sink, rates) {
  const share = sink.queue.max_bytes ? sink.queue.bytes / sink.queue.max_bytes : 0;
  if (behind(sink)) return [share, "wait", "kept on disk"];
  if (sink.failing) return [share, "loss", "cannot write"];
  if (!sink.queue.open) return [share, "wait", "takes no data"];
  return [share, null, rate(rates?.delivered_per_second ?? 0)];
}

function sinkNode(sink, rates, y, x, width) {
  const [share, tone, state] = sinkState(sink, rates);
  const top = y - kNode / 2;
  const lost = rates?.lost_per_second ?? 0;
  const node = svg("g", {class: "node", "data-kind": "sink", "data-name": sink.name, "data-tone": tone},
    svg("rect", {class: "node-box", x: x + 0.5, y: top + 0.5, width: width - 1, height: kNode - 1, rx: 8}),
    svg("rect", {class: "node-fill", x: x + 1, y: top + 1, width: Math.max(0, (width - 2) * Math.min(1, share)), height: kNode - 2, rx: 7}),
    text(x + 12, top + 20, cut(sink.name, width - 24), {class: "node-name"}),
    text(x + 12, top + 38, `queue ${percent(share)}`),
    svg("title", {}, sink.name),
    text(x + 12, top + 56, state, {class: tone ? "node-trouble" : ""}));
  if (lost > 0) node.append(text(x - 8, y - 14, `−${rate(lost)}`, {class: "node-loss", "text-anchor": "end"}));
  return node;
}

function line(route, rates, most, from, to, shut) {
  const moved = rates?.delivered_per_second ?? 0;
  const width = 1.5 + (most > 0 ? 12 * Math.sqrt(moved / most) : 0);
  const middle = (from.x + to.x) / 2;
  const path = svg("path", {class: "way", d: `M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`,
                            "stroke-width": shut ? 4 : width, "data-tone": shut ? "wait" : null, "data-required": route.required});
  path.append(svg("title", {}, `${route.listener} to ${route.sink}: ${rate(moved)}, ${plural(route.queued, "record")} queued`));
  return path;
}

/** In words, for those who do not see it. */
function describe(status) {
  const listeners = status.listeners.map((one) =>
    `Listener ${one.name}: ${one.gate.open ? "gate open" : `gate shut by ${one.gate.shut_by.join(", ")}`}, ${bytes(one.kernel.receive_queue_bytes)} in Recv-Q.`);
  const sinks = status.sinks.map((one) => `Sink ${one.name}: queue ${percent(one.queue.max_bytes ? one.queue.bytes / one.queue.max_bytes : 0)}.`);
  return [...listeners, ...sinks].join(" ");
}

export function drawFlow(host, status) {
  const width = host.clientWidth;
  if (width === 0) return;
  const rates = {listeners: byName(status.rates.listeners), sinks: byName(status.rates.sinks)};
  const lost = (one) => (one?.lost_per_second ?? 0) > 0;
  const listeners = chosen(status.listeners, (one) => Number(!one.gate.open || lost(rates.listeners.get(one.name))), (one) => rates.listeners.get(one.name)?.read_bytes_per_second ?? 0);
  const sinks = chosen(status.sinks, (one) => Number(!one.queue.open || one.failing || lost(rates.sinks.get(one.name))), (one) => one.queue.bytes);
  const column = Math.min(250, Math.max(118, width * 0.32));
  const rows = Math.max(listeners.length, sinks.length, 1);
  const height = rows * kNode + (rows - 1) * kGap;
  const left = places(listeners.length, height), right = places(sinks.length, height);
  const picture = svg("svg", {width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": describe(status)});

  const routeRates = new Map(status.rates.routes.map((one) => [`${one.listener}\n${one.sink}`, one]));
  const most = Math.max(0, ...status.rates.routes.map((one) => one.delivered_per_second));
  for (const route of status.routes) {
    const from = listeners.findIndex((one) => one.name === route.listener), to = sinks.findIndex((one) => one.name === route.sink);
    if (from < 0 || to < 0) continue;
    picture.append(line(route, routeRates.get(`${route.listener}\n${route.sink}`), most, {x: column, y: left[from]},
                        {x: width - column, y: right[to]}, listeners[from].gate.shut_by.includes(route.sink)));
  }
  listeners.forEach((one, at) => picture.append(listenerNode(one, rates.listeners.get(one.name), left[at], column)));
  sinks.forEach((one, at) => picture.append(sinkNode(one, rates.sinks.get(one.name), right[at], width - column, column)));
  const more = status.listeners.length - listeners.length + status.sinks.length - sinks.length;
  host.replaceChildren(picture);
  if (more > 0) host.append(`and ${more} more in the tables below; those with trouble are always shown`);
}
