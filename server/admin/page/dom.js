// Building and changing elements. Text comes in by textContent only: much of it was sent by peers.

const kSvg = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

export const element = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(kSvg, tag), attributes, children);
export const byId = (id) => document.getElementById(id);

/** Only what differs is touched, so that a selection or a screen reader is not disturbed each second. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** A word on a coloured ground: the word says what the colour says. */
export const badge = (tone, word) => element("span", {class: "badge", "data-tone": tone}, word);

/** A bar with its share and size written beside it. */
export function meter(label) {
  const level = element("span", {class: "meter-level"});
  const bar = element("span", {class: "meter", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100}, level);
  const text = element("span", {class: "meter-text"});
  const node = element("span", {class: "meter-row"}, bar, text);
  return {
    node,
    set(share, tone, words) {
      const percent = Math.min(100, Math.max(0, share * 100));
      level.style.width = `${percent}%`;
      setAttribute(bar, "aria-valuenow", Math.round(percent));
      setAttribute(bar, "aria-valuetext", words);
      setAttribute(bar, "data-tone", tone);
      setText(text, words);
    },
  };
}
