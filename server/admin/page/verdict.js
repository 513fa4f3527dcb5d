// What an operator is told first: where bytes wait, what is lost, or that nothing is.

import {bytes, list, plural, rate, words} from "/assets/format.js";

const kRecent = 10;                  // points: a loss is told of for ten seconds
const kBehind_bytes = 1 << 20;       // in Recv-Q with open gates, and as long:
const kBehind_points = 5;

const total = (items, value) => items.reduce((sum, item) => sum + value(item), 0);
const isDatagram = (url) => /^(udp[46]?|unixgram):/.test(url.url);

/** "3 connections and 1 datagram socket paused, 128 KiB in Recv-Q" of these listeners. */
function waiting(listeners) {
  const urls = listeners.flatMap((listener) => listener.urls);
  const connections = total(urls.filter((url) => !isDatagram(url)), (url) => url.connections.paused);
  const sockets = total(urls.filter(isDatagram), (url) => url.connections.paused);
  const who = [];
  if (connections || !sockets) who.push(plural(connections, "connection"));
  if (sockets) who.push(plural(sockets, "datagram socket"));
  return `${list(who)} paused, ${bytes(total(listeners, (listener) => listener.kernel.receive_queue_bytes))} in Recv-Q`;
}

function aboutServer(status) {
  if (status.phase === "starting") return [{tone: "wait", word: "starting", text: "The server is starting."}];
  if (status.phase === "draining")
    return [{tone: "wait", word: "draining", text: "The server is stopping: it takes nothing new and delivers what it has."}];
  if (status.phase === "ended") return [{tone: "off", word: "ended", text: "The server has stopped."}];
  return [];
}

/** It takes nothing, and its queue on disk takes everything. */
export const behind = (sink) => sink.disk_queue?.delivering === false && sink.taking;

function aboutSinks(status) {
  const failing = status.sinks.filter((sink) => sink.failing && !behind(sink)).map((sink) => (
    {tone: "loss", word: "failing", text: `Sink ${sink.name} cannot write: ${sink.last_error}.`}));
  const late = status.sinks.filter(behind).map((sink) => (
    {tone: "wait", word: "behind", text: `Sink ${sink.name} takes nothing, its queue on disk keeps ${plural(sink.disk_queue.records, "record")}: ${sink.disk_queue.delivery_error}.`}));
  return [...failing, ...late];
}

function aboutGates(status) {
  const names = [...new Set(status.listeners.flatMap((listener) => listener.gate.shut_by))];
  return names.map((name) => {
    const listeners = status.listeners.filter((listener) => listener.gate.shut_by.includes(name));
    const by = list(listeners.map((listener) => listener.name));
    const text = name === "memory" && !status.sinks.some((sink) => sink.name === name)
      ? `Bytes wait for memory: server.memory (${bytes(status.memory.max_bytes)}) is used up.`
      : `Bytes wait at sink ${name}: it does not take its data.`;
    return {tone: "wait", word: "waiting", text, detail: `${waiting(listeners)}; ${plural(listeners.length, "listener")}: ${by}`};
  });
}

/** Open gates, and yet the kernel's buffers are full: it is the server itself that does not keep up. */
function aboutThreads(status, points) {
  const queued = points.receive_queue_bytes.slice(-kBehind_points);
  const behind = queued.length === kBehind_points && queued.every((value) => value >= kBehind_bytes);
  if (!behind || status.listeners.some((listener) => !listener.gate.open)) return [];
  return [{tone: "wait", word: "behind", text: "Bytes wait in the kernel although all gates are open: the threads do not keep up.",
           detail: `${bytes(queued.at(-1))} in Recv-Q`}];
}

function aboutLosses(status, points) {
  const recent = points.lost_per_second.slice(-kRecent);
  if (!recent.some((value) => value > 0)) return [];
  const rates = status.rates;
  const at = [...rates.listeners.filter((one) => one.lost_per_second > 0).map((one) => `listener ${one.name}`),
              ...rates.routes.filter((one) => one.lost_per_second > 0).map((one) => `${one.listener} to ${one.sink}`)];
  return [{tone: "loss", word: "losing", text: "Records are being lost.",
           detail: at.length ? `${rate(rates.lost_per_second)} at ${list(at)}` : `${rate(Math.max(...recent))} at most in the last ten seconds`}];
}

function allWell(status) {
  return {tone: "good", word: "ok", text: "Nothing waits and nothing is lost.",
          detail: status.connections.active ? `${plural(status.connections.active, "connection")} open` : "no connection is open"};
}

/** Of the worst first: [{tone, word, text, detail}]; `text` changes only when the matter does. */
export function verdict(status, points) {
  const found = [...aboutSinks(status), ...aboutGates(status), ...aboutLosses(status, points), ...aboutThreads(status, points),
                 ...aboutServer(status)];
  return found.length ? found : [allWell(status)];
}

/** Every kind of loss that has occurred: [{where, what, count, unit}]. */
export function losses(status) {
  const rows = [];
  const add = (where, what, value, unit = "records") => value && rows.push({where, what, count: value, unit});
  for (const listener of status.listeners) {
    const where = `listener ${listener.name}`;
    add(where, "dropped by the kernel: receive buffer full", listener.kernel_drops, "datagrams");
    add(where, "turned away while stopping", listener.refused_while_stopping, "datagrams");
    for (const [reason, value] of Object.entries(listener.rejected)) add(where, `rejected: ${words(reason)}`, value, "frames");
    for (const [reason, value] of Object.entries(listener.discarded_bytes)) add(where, `discarded: ${words(reason)}`, value, "bytes");
    add(where, "cut off: longer than max_frame_bytes", listener.cut_bytes, "bytes");
  }
  for (const route of status.routes) {
    for (const [reason, value] of Object.entries(route.lost))
      add(`${route.listener} to sink ${route.sink}`, reason === "leftover" ? "left over for the next start" : words(reason), value);
  }
  add("quarantine", "no room, or it could not be written", status.quarantine.dropped, "entries");
  return rows;
}
