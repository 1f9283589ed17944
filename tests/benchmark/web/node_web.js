// The same as weir serves in web_benchmark.py, with Node's module http: a file, a call with JSON,
// and events to all clients of WebSockets.
'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');

const [port, folder, webSockets] = process.argv.slice(2);
const sockets = new Set();

function readJson(request, take) {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => take(JSON.parse(Buffer.concat(pieces).toString())));
}

function answerJson(response, value) {
  const body = JSON.stringify(value);
  response.writeHead(200, { 'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

const server = http.createServer((request, response) => {
  if (request.method === 'GET') {
    fs.readFile(path.join(folder, path.basename(request.url)), (error, bytes) => {
      response.writeHead(error ? 404 : 200, { 'Content-Type': 'text/plain',
        'Content-Length': error ? 0 : bytes.length });
      response.end(error ? undefined : bytes);
    });
  } else if (request.url === '/events') {
    readJson(request, (event) => {
      const text = JSON.stringify({ type: 'bench.Tick', data: event });
      for (const socket of sockets) {
        socket.send(text);
      }
      response.writeHead(204).end();
    });
  } else {
    readJson(request, ({ pattern }) => answerJson(response, pattern === '*' ? [1] : []));
  }
});
server.keepAliveTimeout = 3600 * 1000;
if (webSockets !== undefined) {
  const { WebSocketServer } = require('ws');
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
}
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 2048 });
