// send_fields.js LOGGER PROTOCOL HOST PORT [PAD]: sends records with fields by a logger from npm. For each line of standard
// input, a number, it sends as many, says `sent` when its socket has them, and ends with its input. Record N has the
// message `node:N:`, the fields n (N) and half (N / 2), and a pad of PAD bytes where that is given.
const [logger, protocol, host, port, pad] = process.argv.slice(2);
const { once } = require('events');
let next = 0;

function fields(n) {
  return { n, half: n / 2, ...(pad ? { pad: 'x'.repeat(Number(pad)) } : {}) };
}

const senders = {
  'pino-socket': () => {
    const transport = require('pino').transport({
      target: 'pino-socket', options: { address: host, port: Number(port), mode: protocol, reconnect: false },
    });
    const log = require('pino')(transport);
    return {
      send: async (count) => {
        for (; count > 0; --count, ++next) log.info(fields(next), `node:${next}:`);
        await new Promise((done, failed) => log.flush((error) => (error ? failed(error) : done())));
      },
      end: async () => {
        transport.end();
        await once(transport, 'close');
      },
    };
  },
  'gelf-pro': () => {
    const log = require('gelf-pro');
    const six = host.includes(':');
    const of = protocol === 'udp' ? { protocol: six ? 'udp6' : 'udp4' } : { family: six ? 6 : 4 };
    log.setConfig({ adapterName: protocol, adapterOptions: { host, port: Number(port), ...of } });
    const one = (n) => new Promise((done, failed) => {
      log.info(`node:${n}:`, fields(n), (error) => (error ? failed(error) : done()));
    });
    return {
      send: async (count) => {
        const all = [];
        for (; count > 0; --count, ++next) all.push(one(next));
        await Promise.all(all);
      },
      end: async () => {},
    };
  },
};

async function main() {
  const sender = senders[logger]();
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    await sender.send(Number(line));
    process.stdout.write('sent\n');
  }
  await sender.end();
}
main();
