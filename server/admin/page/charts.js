// Small charts of the last ten minutes, with one moment read in all of them at once.

import {element, setAttribute, setText, svg} from "/assets/dom.js";
import {byteRate, bytes, clock, percent, rate} from "/assets/format.js";

const kWindow_ms = 600_000;
const kGap_ms = 3_500;  // longer without a point: the line is broken
const kHeight = 92, kTop = 16, kBottom = 16;

const kCharts = [
  {id: "input", title: "Input", unit: "bytes read a second", of: (points) => points.read_bytes_per_second, show: byteRate, base: 1024},
  {id: "records", title: "Records", unit: "records read a second", of: (points) => points.events_per_second, show: rate},
  {id: "delivered", title: "Delivered", unit: "records a second, once for each sink", of: (points) => points.delivered_per_second, show: rate},
  {id: "dropped", title: "Dropped", unit: "records lost a second, kernel drops included", of: (points) => points.lost_per_second, show: rate, tone: "loss"},
  {id: "fill", title: "Queue fill", unit: "the fullest queue, share of its maximum", of: fullest, show: percent, tone: "wait", top: 1},
  {id: "recvq", title: "Recv-Q", unit: "bytes in the kernel, of all sockets", of: (points) => points.receive_queue_bytes, show: bytes, tone: "wait", base: 1024},
];

/** Of each point, over all queues; remembered until a point comes. */
function fullest(points) {
  return points.time.map((_, at) => Math.max(0, ...points.queues.map((queue) => queue.fill[at] ?? 0)));
}

const kEmpty = {time: [], read_bytes_per_second: [], events_per_second: [], delivered_per_second: [], lost_per_second: [],
                receive_queue_bytes: [], queues: []};

/** The points as the server keeps them, and those that came since: of the last ten minutes, each later than the one before. */
export class History {
  points = structuredClone(kEmpty);

  reset(history) {
    const {points_max: _, ...points} = history;
    this.points = points;
    this.#forget();
  }

  add(status) {
    const {points} = this;
    const time = Date.parse(status.time);
    if (status.rates.interval_seconds <= 0 || time === points.time.at(-1)) return;
    const before = points.time.length;
    points.time.push(time);
    for (const name of ["read_bytes_per_second", "events_per_second", "delivered_per_second", "lost_per_second"])
      points[name].push(status.rates[name]);
    points.receive_queue_bytes.push(status.listeners.reduce((sum, one) => sum + one.kernel.receive_queue_bytes, 0));
    points.queues = status.sinks.map((sink) => {
      const known = points.queues.find((queue) => queue.sink === sink.name);
      const fill = known ? known.fill : new Array(before).fill(null);
      fill.push(sink.queue.max_bytes ? sink.queue.bytes / sink.queue.max_bytes : 0);
      return {sink: sink.name, fill};
    });
    this.#forget();
  }

  /** What is older than the window, or of a time that the clock was set back from. */
  #forget() {
    const {queues, ...lists} = this.points;
    const {time} = lists;
    let first = time.length - 1;
    while (first > 0 && time[first - 1] < time[first] && time[first - 1] >= time.at(-1) - kWindow_ms) --first;
    if (first <= 0) return;
    for (const values of [...Object.values(lists), ...queues.map((queue) => queue.fill)]) values.splice(0, first);
  }
}

/** The next of 1, 2, 5, 10, ... (or of powers of two) that is not below. */
function niceTop(value, base) {
  if (value <= 0) return 1;
  if (base === 1024) return 2 ** Math.ceil(Math.log2(value));
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.9999);
}

class Chart {
  constructor(host, spec, cursor) {
    this.spec = spec;
    this.value = element("output", {class: "chart-value"});
    this.when = element("span", {class: "chart-when"});
    this.plot = svg("svg", {class: "chart-plot", height: kHeight, "aria-hidden": "true"});
    this.slider = element("div", {class: "chart-slider", tabindex: 0, role: "slider", "aria-label": `${spec.title}: moment to read`,
                                  "aria-valuemin": -600, "aria-valuemax": 0, "aria-valuenow": 0}, this.plot);
    const head = element("figcaption", {},
      element("span", {class: "chart-title"}, spec.title), element("span", {class: "chart-unit"}, spec.unit), this.value, this.when);
    host.append(element("figure", {class: "chart", id: `chart-${spec.id}`, "data-tone": spec.tone ?? "flow"}, head, this.slider));
    this.#build();
    this.#listen(cursor);
  }

  #build() {
    this.grid = svg("path", {class: "chart-grid"});
    this.area = svg("path", {class: "chart-area"});
    this.line = svg("path", {class: "chart-line"});
    this.rule = svg("path", {class: "chart-rule"});
    this.dot = svg("circle", {class: "chart-dot", r: 3.5});
    this.top = svg("text", {class: "chart-label", x: 0, y: kTop - 4});
    this.zero = svg("text", {class: "chart-label", x: 0, y: kHeight - kBottom - 3}, "0");
    this.labels = ["10 min ago", "5 min", "now"].map((text, at) =>
      svg("text", {class: "chart-label", y: kHeight - 3, "text-anchor": ["start", "middle", "end"][at]}, text));
    this.plot.append(this.grid, this.area, this.line, this.rule, this.dot, this.top, this.zero, ...this.labels);
  }

  #listen(cursor) {
    this.slider.addEventListener("pointermove", (event) => {
      const box = this.plot.getBoundingClientRect();
      cursor.point(1 - (event.clientX - box.left) / box.width);
    });
    this.slider.addEventListener("pointerleave", () => cursor.leave());
    this.slider.addEventListener("keydown", (event) => {
      const steps = {ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -60, PageUp: 60, Home: -600, End: 600};
      const step = steps[event.key];
      if (step !== undefined) cursor.step(event.shiftKey ? step * 10 : step);
      else if (event.key === "Escape") cursor.leave();
      else return;
      event.preventDefault();
    });
    this.slider.addEventListener("blur", () => cursor.leave());
  }

  /** `at`: the index of the moment to read; -1: there is no point yet. `pinned`: it is not now. */
  draw(points, at, pinned) {
    const width = this.slider.clientWidth;
    if (width === 0) return;
    const {spec} = this;
    const values = spec.of(points);
    const now = points.time.at(-1) ?? 0;
    const top = spec.top ?? niceTop(Math.max(0, ...values), spec.base);
    const x = (time) => width - ((now - time) / kWindow_ms) * width;
    const y = (value) => kHeight - kBottom - (Math.min(value, top) / top) * (kHeight - kTop - kBottom);
    this.#axes(width, spec.show(top));
    this.#curves(points.time, values, x, y);
    this.#read(points, values, at, pinned, x, y);
  }

  #axes(width, top) {
    setAttribute(this.plot, "width", width);
    setAttribute(this.plot, "viewBox", `0 0 ${width} ${kHeight}`);
    setAttribute(this.grid, "d", `M0 ${kTop}H${width}M0 ${kHeight - kBottom}H${width}`);
    setText(this.top, top.replace(/\.0+ /, " "));
    this.labels.forEach((label, at) => setAttribute(label, "x", (width * at) / 2));
  }

  #curves(times, values, x, y) {
    const runs = [];
    times.forEach((time, at) => {
      if (at === 0 || time - times[at - 1] > kGap_ms) runs.push([]);
      runs.at(-1).push([x(time), y(values[at])]);
    });
    const path = (run) => run.map(([px, py]) => `${px.toFixed(1)} ${py.toFixed(1)}`).join("L");
    const ground = kHeight - kBottom;
    setAttribute(this.line, "d", runs.map((run) => `M${path(run)}`).join(""));
    setAttribute(this.area, "d", runs.map((run) => `M${run[0][0].toFixed(1)} ${ground}L${path(run)}L${run.at(-1)[0].toFixed(1)} ${ground}Z`).join(""));
  }

  #read(points, values, at, pinned, x, y) {
    const known = at >= 0;
    const time = known ? points.time[at] : 0;
    const text = known ? this.spec.show(values[at]) : "no data yet";
    setText(this.value, text);
    setAttribute(this.value, "data-value", known ? values[at] : null);
    setText(this.when, pinned ? clock(time) : "now");
    setAttribute(this.slider, "aria-valuenow", known ? Math.round((time - points.time.at(-1)) / 1000) : 0);
    setAttribute(this.slider, "aria-valuetext", `${text}, ${pinned ? clock(time) : "now"}`);
    setAttribute(this.rule, "d", pinned ? `M${x(time).toFixed(1)} ${kTop - 2}V${kHeight - kBottom}` : "M0 0");
    this.dot.style.display = known ? "" : "none";
    if (!known) return;
    setAttribute(this.dot, "cx", Math.min(x(time), x(points.time.at(-1)) - 3.5).toFixed(1));
    setAttribute(this.dot, "cy", y(values[at]).toFixed(1));
  }
}

/** All charts, and the moment that is read in them. */
export class Charts {
  #charts = [];
  #history;
  #moment = null;  // ms since 1970; null: now

  constructor(host, history) {
    this.#history = history;
    const cursor = {
      point: (share) => this.#read(this.#now - Math.min(1, Math.max(0, share)) * kWindow_ms),
      step: (seconds) => this.#step(seconds),
      leave: () => this.#read(null),
    };
    this.#charts = kCharts.map((spec) => new Chart(host, spec, cursor));
    new ResizeObserver(() => this.draw()).observe(host);
  }

  get #now() {
    return this.#history.points.time.at(-1) ?? 0;
  }

  #read(moment) {
    this.#moment = moment;
    this.draw();
  }

  /** From point to point: a second may lie between two of them. */
  #step(points) {
    const {time} = this.#history.points;
    if (time.length === 0) return;
    const to = Math.min(time.length - 1, Math.max(0, this.#index() + points));
    this.#read(to === time.length - 1 ? null : time[to]);
  }

  #index() {
    const {time} = this.#history.points;
    if (this.#moment === null) return time.length - 1;
    const behind = time.findIndex((one) => one >= this.#moment);
    if (behind <= 0) return behind === 0 ? 0 : time.length - 1;
    return this.#moment - time[behind - 1] < time[behind] - this.#moment ? behind - 1 : behind;
  }

  draw() {
    const at = this.#index();
    for (const chart of this.#charts) chart.draw(this.#history.points, at, this.#moment !== null);
  }
}
