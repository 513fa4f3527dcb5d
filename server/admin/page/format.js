// Numbers as an operator reads them: three digits and a unit; exact where they are small.

const kGroups = new Intl.NumberFormat("en-US", {maximumFractionDigits: 0});

function scaled(value, step, units) {
  let at = 0;
  while (value >= step * 0.9995 && at < units.length - 1) {
    value /= step;
    ++at;
  }
  const digits = at === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return [value.toFixed(digits), units[at]];
}

export const count = (value) => kGroups.format(value);

export function bytes(value) {
  const [number, unit] = scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
  return `${number} ${unit}`;
}

export function short(value) {
  if (value > 0 && value < 9.95 && !Number.isInteger(value)) return value.toFixed(1);
  const [number, unit] = scaled(value, 1000, ["", "k", "M", "G", "T"]);
  return unit ? `${number} ${unit}` : number;
}

export const byteRate = (value) => `${bytes(value)}/s`;
export const rate = (value) => `${short(value)}/s`;
export const percent = (share) => `${(share * 100).toFixed(share > 0 && share < 0.0995 ? 1 : 0)} %`;

export function duration(seconds) {
  const whole = Math.floor(seconds);
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

const two = (number) => String(number).padStart(2, "0");

export function clock(milliseconds) {
  const at = new Date(milliseconds);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
/** "a", "a and b", "a, b and c". */
export const list = (words) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
/** Names of reasons as the ledger has them, as words. */
export const words = (name) => name.replaceAll("_", " ");
