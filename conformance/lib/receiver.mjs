// A merchant's webhook endpoint on loopback that keeps every request as it came.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { afterwards } from './after.mjs';

/**
 * Starts an endpoint for the tests of `t`. Every path is accepted; `answer` decides the status.
 *
 * @param {{after: (stop: () => Promise<void>) => void}} t a test context, or `node:test` itself
 * @param {{answer?: (delivery: object) => number}} [options]
 */
export async function startReceiver(t, { answer = () => 200 } = {}) {
  /** @type {{method: string, path: string, headers: Record<string, string>, body: Buffer}[]} */
  const deliveries = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url: path, headers } = request;
    const delivery = { method, path, headers, body: Buffer.concat(chunks) };
    deliveries.push(delivery);
    response.writeHead(answer(delivery)).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterwards(t, () => {
    server.close();
    server.closeAllConnections();
  });

  /** The deliveries to `path`, as soon as there are `count`; fails if they do not come or if more do. */
  async function exactly(count, path, { withinMs = 60_000, quietMs = 1_000 } = {}) {
    const at = () => deliveries.filter((delivery) => delivery.path === path);
    const deadline = Date.now() + withinMs;
    while (at().length < count && Date.now() < deadline) await sleep(20);
    await sleep(quietMs);
    assert.equal(at().length, count, `deliveries to ${path}`);
    return at();
  }

  return { url: `http://127.0.0.1:${server.address().port}`, deliveries, exactly };
}

/** Verifies a delivery with the published library and returns its JSON. */
export function verified(delivery, secret) {
  return new Webhook(secret).verify(delivery.body, delivery.headers);
}
