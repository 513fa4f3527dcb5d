// send_fields.js LOGGER PROTOCOL HOST PORT [PAD]: sends records with fields by a logger from npm. For each line of standard
// input, a number, it sends as many, says `sent` when its socket has them, and ends with its input. Record N has the
// message `node:N:`, the fields n (N) and half (N / 2), and a pad of PAD bytes where that is given. For unix sockets HOST is
// the path and PORT is 0.
const [logger, protocol, host, port, pad] = process.argv.slice(2);
const { once } = require('events');
let next = 0;

function fields(n) {
  return { n, half: n / 2, ...(pad ? { pad: 'x'.repeat(Number(pad)) } : {}) };
}

function winstonSyslog(type) {
  const winston = require('winston');
  const { Syslog } = require('winston-syslog');
  const transport = new Syslog({
    protocol, type, host, port: Number(port), path: host, localhost: 'web1', app_name: 'tests', facility: 'local3',
    eol: protocol.startsWith('tcp') ? '\n' : undefined, // without it, its records on a stream have no end
  });
  transport.on('error', (error) => { throw error; });
  const log = winston.createLogger({
    levels: winston.config.syslog.levels, format: winston.format.json(), transports: [transport],
  });
  return {
    send: async (count) => {
      for (; count > 0; --count, ++next) log.warning(`node:${next}:`, fields(next));
    },
    end: async () => process.exit(0), // on a stream it would connect again
  };
}

const senders = {
  'winston-syslog-BSD': () => winstonSyslog('BSD'),
  'winston-syslog-5424': () => winstonSyslog('5424'),
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
