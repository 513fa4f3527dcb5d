// statsd.js CLIENT TRANSPORT HOST PORT_OR_PATH COUNT: sends COUNT metrics, a hundred at a time: behind each hundred it says
// so on its standard output and waits for a line on its standard input. Every metric has its number in its name.
const net = require('net');
const readline = require('readline');

const [name, transport, host, place, count] = process.argv.slice(2);
const AT_ONCE = 100;

function hotShots() {
  const StatsD = require('hot-shots');
  const by = {
    udp4: { protocol: 'udp', host, port: Number(place), udpSocketOptions: { type: 'udp4' } },
    udp6: { protocol: 'udp', host, port: Number(place), udpSocketOptions: { type: 'udp6' } },
    tcp4: { protocol: 'tcp', host, port: Number(place) },
    tcp6: { protocol: 'tcp', host, port: Number(place) },
    // Its defaults give up after 0.7 s of a full socket.
    unixgram: { protocol: 'uds', path: place, udsRetryOptions: { retries: 10000, retryDelayMs: 5, maxRetryDelayMs: 10 } },
    unix: () => ({ protocol: 'stream', stream: net.connect(place) }),
  }[transport];
  const options = typeof by === 'function' ? by() : by;
  const client = new StatsD({ ...options, prefix: 'shop.', errorHandler: (error) => { throw error; } });
  const tags = ['env:test', 'bare'];
  const send = [
    (metric, n) => client.increment(metric, n, tags),
    (metric, n) => client.gauge(metric, n + 0.5),
    (metric, n) => client.gaugeDelta(metric, -n),
    (metric, n) => client.timing(metric, n, { route: 'a b' }),
    (metric, n) => client.histogram(metric, n),
    (metric, n) => client.distribution(metric, n, 1),
    (metric, n) => client.set(metric, `user${n}`),
    (metric, n) => client.event(metric, `first\nsecond ${n}`, { priority: 'low', hostname: 'web1' }, tags),
    (metric, n) => client.check(metric, client.CHECKS.CRITICAL, { message: `down ${n}` }, tags),
  ];
  return { send: (n) => send[n % send.length](`m${n}`, n), close: (done) => client.close(done) };
}

function nodeStatsd() {
  const StatsD = require('node-statsd');
  const client = new StatsD({ host, port: Number(place), prefix: 'shop.' });
  const send = [
    (metric, n) => client.increment(metric, n + 1), // it takes 0 for no value
    (metric, n) => client.gauge(metric, n + 0.5),
    (metric, n) => client.timing(metric, n),
    (metric, n) => client.histogram(metric, n),
    (metric, n) => client.set(metric, `user${n}`),
  ];
  return { send: (n) => send[n % send.length](`m${n}`, n), close: (done) => { client.close(); done(); } };
}

const client = { 'hot-shots': hotShots, 'node-statsd': nodeStatsd }[name]();
let next = 0;
function sendSome() {
  const end = Math.min(next + AT_ONCE, Number(count));
  for (; next < end; next += 1) client.send(next);
  console.log(next);
}
const told = readline.createInterface({ input: process.stdin });
told.on('line', () => (next < Number(count) ? sendSome() : client.close(() => process.exit(0))));
sendSome();
