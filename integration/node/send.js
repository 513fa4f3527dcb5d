// send.js LOGGER PROTOCOL PORT COUNT: sends COUNT records `node:000000000:` ... with a logger from npm, then ends.
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
};
senders[logger]();
