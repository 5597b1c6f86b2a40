// Answers that get lost: the client sends again, and nothing tells a retry from a new request.

import assert from 'node:assert/strict';
import test from 'node:test';
import { startLossyProxy } from '../lib/lossy.mjs';
import { startServer } from '../lib/server.mjs';
import { modempay, pay } from './client.mjs';

const server = await startServer(test);
const proxy = await startLossyProxy(test, server.url);
const direct = modempay(server);
const client = modempay({ ...server, url: proxy.url }, { maxRetries: 3, timeout: 10 });

test('a session whose answer was lost is left behind, and never merged with the next', async () => {
  const order = { amount: 450, title: 'Coffee', metadata: { table: 4 } };
  const other = await direct.sessions.create(order);
  proxy.lose(2);
  const session = await client.sessions.create(order);
  assert.equal(proxy.lost(), 2);
  const { data, meta } = await direct.sessions.list();
  assert.equal(meta.total, 4, 'another customer, two lost, and the answered one');
  assert.equal(new Set(data.map(({ id }) => id)).size, 4);
  assert.equal(data[0].id, session.id);
  assert.equal(data[3].id, other.id);
  for (const { status } of data) assert.equal(status, 'active');
  // Harmless: nobody holds the link of what was lost, and paying one pays no other.
  await pay(session);
  const after = (await direct.sessions.list()).data.map(({ status }) => status);
  assert.deepEqual(after, ['completed', 'active', 'active', 'active']);
});

test('with an idempotency key a lost answer is answered again, byte for byte', async () => {
  const before = (await direct.sessions.list()).meta.total;
  const send = async (base) => {
    const answer = await fetch(`${base}/v1/sessions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.merchant.test.secret}`,
        'content-type': 'application/json',
        'idempotency-key': 'table-5',
      },
      body: JSON.stringify({ data: { amount: 450 } }),
    });
    return answer.text();
  };
  proxy.lose(1);
  await assert.rejects(send(proxy.url), 'the answer is lost');
  const [first, again] = [await send(proxy.url), await send(server.url)];
  assert.equal(first, again);
  assert.equal((await direct.sessions.list()).meta.total, before + 1);
});

test('expiring and reversing may lose their answers: what was asked for is so, once', async () => {
  const session = await direct.sessions.create({ amount: 450 });
  proxy.lose(2);
  assert.equal((await client.sessions.expire(session.id)).status, 'expired');

  const paid = await direct.sessions.create({ amount: 450 });
  await pay(paid);
  const [transaction] = (await direct.transactions.list()).data;
  proxy.lose(2);
  assert.equal((await client.transactions.reverse(transaction.transaction_reference)).status, 'refunded');
  const native = await fetch(`${server.url}/api/v1/sessions/${paid.id}`, {
    headers: { authorization: `Bearer ${server.merchant.test.secret}` },
  });
  const { transactions } = await native.json();
  assert.deepEqual(transactions.map(({ action, status, amount }) => [action, status, amount]), [
    ['payment', 'succeeded', 45_000],
    ['refund', 'succeeded', 45_000],
  ]);
});
