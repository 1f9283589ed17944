// W6 with Node.
'use strict';

const net = require('net');

const server = net.createServer({ noDelay: true }, (socket) => {
  socket.on('data', (bytes) => socket.write(bytes));
  socket.on('error', () => socket.destroy());
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 }, () => {
  console.log('listening at', server.address().port);
});
