// A proxy that loses answers: the request arrives and is answered, and the answer never gets back.

import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import { afterwards } from './after.mjs';

/**
 * Starts a proxy in front of `url` for the tests of `t`.
 *
 * @param {{after: (stop: () => Promise<void>) => void}} t a test context, or `node:test` itself
 * @param {string} url
 */
export async function startLossyProxy(t, url) {
  let toLose = 0;
  let lost = 0;
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { host: _host, ...headers } = request.headers;
    const onward = send(url + request.url, { method: request.method, headers: { ...headers, connection: 'close' } });
    onward.end(Buffer.concat(chunks));
    const [answer] = await once(onward, 'response');
    const body = [];
    for await (const chunk of answer) body.push(chunk);
    if (toLose > 0) {
      toLose -= 1;
      lost += 1;
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] });
    response.end(Buffer.concat(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterwards(t, () => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Loses the next so many answers. */
    lose(count) {
      toLose = count;
    },
    /** How many were lost. */
    lost: () => lost,
  };
}
