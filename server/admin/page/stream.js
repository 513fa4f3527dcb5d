// /api/events through fetch, which unlike EventSource can send the token and says why it was refused. Reconnects by itself.

const kSilence_ms = 5000;  // an event is due each second
const kRetries_ms = [1000, 1000, 2000, 3000, 5000];

const kTokenKey = "penstock-token";

export function saveToken(token) {
  sessionStorage.setItem(kTokenKey, token);  // of this tab alone
}

function headers() {
  const token = sessionStorage.getItem(kTokenKey);
  return token ? {Authorization: `Bearer ${token}`} : {};
}

/** A JSON document of the API; throws when it is not to be had. */
export async function getJson(path) {
  const response = await fetch(path, {headers: headers(), cache: "no-store"});
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** Calls onEvent(name, data) of each event until the stream ends or is silent. */
async function readEvents(body, onEvent, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    alive();
    pending += value;
    const events = pending.split("\n\n");
    pending = events.pop();
    for (const event of events) {
      const field = (name) => event.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field("data");
      if (data !== undefined) onEvent(field("event"), JSON.parse(data));
    }
  }
}

/**
 * Follows the server for ever. onState(state): "live", "lost", "busy" (it has no stream left), "token" (it asks for one:
 * nothing more is tried until the function that is returned is called).
 */
export function follow(onEvent, onState) {
  let failures = 0;

  async function attempt() {
    const abort = new AbortController();
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), kSilence_ms);
    };
    alive();
    try {
      const response = await fetch("/api/events", {headers: headers(), cache: "no-store", signal: abort.signal});
      if (response.status === 401) return "token";
      if (!response.ok) return response.status === 503 ? "busy" : "lost";
      await readEvents(response.body, (name, data) => {
        failures = 0;
        onState("live");
        onEvent(name, data);
      }, alive);
    } catch {
      // the same as an end: it is tried again
    } finally {
      clearTimeout(timer);
    }
    return "lost";
  }

  async function run() {
    const state = await attempt();
    onState(state);
    if (state === "token") return;
    setTimeout(run, kRetries_ms[Math.min(failures++, kRetries_ms.length - 1)]);
  }

  run();
  return run;
}
