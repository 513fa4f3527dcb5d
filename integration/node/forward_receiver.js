'use strict';
// A receiver of Forward protocol by the Fluent project's logger for Node.js, which acknowledges each chunk. Its first line is
// the port; then a line of JSON for each entry. `OPTIONS`: those of FluentServer.

const { FluentServer } = require('@fluent-org/logger');

const server = new FluentServer({ listenOptions: { host: '127.0.0.1', port: 0 }, ...JSON.parse(process.env.OPTIONS) });
server.on('entry', (tag, time, record) => {
  const seconds = time.epoch === undefined ? [time, 0] : [time.epoch, time.nano];
  console.log(JSON.stringify({ tag, time: seconds, record }));
});
server.listen().then(() => console.log(server.port));
