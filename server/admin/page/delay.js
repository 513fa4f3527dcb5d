// How long records take from read to delivered, from the histograms of two looks.

/** Of each bound, how many deliveries of these routes between the looks took no longer: [[seconds or null, count]]. */
function between(before, routes) {
  const counts = new Map();
  for (const route of routes) {
    const past = before?.routes.find((one) => one.listener === route.listener && one.sink === route.sink);
    route.delivery_seconds.buckets.forEach(({le, count}, at) =>
      counts.set(le, (counts.get(le) ?? 0) + count - (past?.delivery_seconds.buckets[at]?.count ?? 0)));
  }
  return [...counts];
}

/** The bound, in seconds, that 99 of 100 kept; Infinity: beyond the last one; null: nothing was delivered. */
export function delay(before, routes) {
  const counts = between(before, routes);
  const all = counts.at(-1)?.[1] ?? 0;
  if (before === null || all <= 0) return null;
  const [bound] = counts.find(([, count]) => count >= all * 0.99);
  return bound ?? Infinity;
}

/** Histograms know bounds and not values. */
export function delayText(seconds) {
  if (seconds === null) return "-";
  if (seconds === Infinity) return "> 5 min";
  return seconds < 1 ? `\u2264 ${Number((seconds * 1000).toPrecision(3))} ms` : `\u2264 ${seconds} s`;
}
