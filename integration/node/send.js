// send.js LOGGER PROTOCOL PORT COUNT: sends COUNT records `node:000000000:` ... with a logger from npm, then ends. PORT is
// a socket's path for those that can. OPTIONS (JSON in the environment) are more of the logger's own.
const [logger, protocol, port, count] = process.argv.slice(2);
const records = Array.from({ length: Number(count) }, (_, n) => `node:${String(n).padStart(9, '0')}:`);

const senders = {
  'winston-syslog': () => {
    const winston = require('winston');
    const { Syslog } = require('winston-syslog');
    const eol = protocol === 'tcp' ? '\n' : undefined; // without it, its records on a stream have no end
    const transport = new Syslog({ host: '127.0.0.1', port: Number(port), protocol: `${protocol}4`, app_name: 'test', eol });
    transport.on('error', (error) => { throw error; });
    const log = winston.createLogger({ levels: winston.config.syslog.levels, transports: [transport] });
    for (const record of records) log.info(record);
    transport.on('closed', () => process.exit(0)); // it would connect again
    setTimeout(() => transport.close(), 1000);     // close() waits until its queue is empty
  },
  'syslog-client': () => {
    const syslog = require('syslog-client');
    const transport = protocol === 'tcp' ? syslog.Transport.Tcp : syslog.Transport.Udp;
    const client = syslog.createClient('127.0.0.1', { port: Number(port), transport });
    let left = records.length;
    for (const record of records) {
      client.log(record, {}, (error) => {
        if (error) throw error;
        if (--left === 0) client.close();
      });
    }
  },
  '@fluent-org/logger': async () => {
    const { FluentClient } = require('@fluent-org/logger');
    const { socket, ...more } = JSON.parse(process.env.OPTIONS || '{}');
    const client = new FluentClient('node', { socket: { ...socket, timeout: 10000 }, disableAutoconnect: true, ...more });
    await client.connect();
    // Where acknowledgements are asked for, this waits for all of them.
    await Promise.all(records.map((text, n) => client.emit('app', { text, n, half: n + 0.5, odd: n % 2 === 1, list: [n, null] })));
    await client.disconnect();
  },
  'fluent-logger': () => {
    const more = JSON.parse(process.env.OPTIONS || '{}');
    const client = require('fluent-logger').createFluentSender('node', { timeout: 10, ...more });
    client.on('error', (error) => { throw error; });
    let left = records.length;
    records.forEach((text, n) => client.emit('app', { text, n, half: n + 0.5, odd: n % 2 === 1, list: [n, null] }, (error) => {
      if (error) throw error;
      if (--left === 0) client.end();
    }));
  },
  'lumberjack-client': () => { // it reads no acknowledgements
    const LumberjackClient = require('lumberjack-client');
    const host = protocol === 'tcp6' ? '::1' : '127.0.0.1';
    const client = new LumberjackClient({ host, port: Number(port) });
    records.forEach((text, n) => client.log({ message: text, n, half: n + 0.5, odd: n % 2 === 1, list: [n, null] }));
    client.socket.once('data', () => process.exit(0));
  },
};
Promise.resolve(senders[logger]()).catch((error) => { console.error(error); process.exit(1); });
