// What the published client makes of our deliveries, and the native calls around them.

import assert from 'node:assert/strict';
import test from 'node:test';
import { native } from '../lib/api.mjs';
import { startReceiver } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';
import { modempay, pay } from './client.mjs';

const server = await startServer(test);
const client = modempay(server);
const merchant = native(server);
const shop = await startReceiver(test);

const listen = (path) => merchant.ask('POST', '/webhookEndpoints', { url: `${shop.url}${path}`, format: 'modempay' });
const { webhooks } = client;

test("the client's own check accepts every delivery, raw or parsed, and rejects a tampered one", async () => {
  const { secret } = await listen('/accepted');
  const session = await client.sessions.create({
    amount: 450,
    title: 'Coffee “with” \u2028 everything 🎉',
    metadata: { 10: 'ten', 9: 'nine', b: [450, 0.1, 1e21, 1e-7, -0, 123456789012345], a: { '': null, __proto__x: true } },
  });
  await pay(session);
  const deliveries = await shop.exactly(3, '/accepted');
  const events = [];
  for (const { body, headers } of deliveries) {
    const raw = body.toString('utf8');
    const signature = headers['x-modem-signature'];
    const event = webhooks.composeEventDetails(raw, signature, secret);
    assert.deepEqual(webhooks.composeEventDetails(JSON.parse(raw), signature, secret), event);
    assert.equal(JSON.stringify(JSON.parse(raw)), raw);
    assert.deepEqual(Object.keys(JSON.parse(raw)), ['event', 'payload']);
    events.push(event);

    for (const tampered of [raw.replace('450', '451'), `${raw} `, raw.slice(0, -1), JSON.parse(raw.replace('GMD', 'XOF'))]) {
      assert.throws(() => webhooks.composeEventDetails(tampered, signature, secret), /Invalid signature/);
    }
    assert.throws(() => webhooks.composeEventDetails(raw, signature, `${secret}x`), /Invalid signature/);
    assert.throws(() => webhooks.composeEventDetails(raw, signature, server.merchant.test.webhookSecret), /Invalid/);
    assert.throws(() => webhooks.composeEventDetails(raw, '', secret), /Invalid signature/);
  }
  events.sort((one, other) => (one.event < other.event ? -1 : 1));
  assert.deepEqual(events.map(({ event }) => event), ['charge.created', 'charge.succeeded', 'payment_intent.created']);
  assert.equal(events[1].payload.status, 'completed');
  assert.deepEqual(events[2].payload.metadata, JSON.parse(JSON.stringify(session.metadata)));
});

test('metadata that JavaScript would change comes back as given, and is told as it reads it', async () => {
  const { id: endpoint, secret } = await listen('/digits');
  // More digits and larger numbers than a double has, keys out of order, one of them twice.
  const metadata = '{"z":12345678901234567890.123,"10":-0,"9":1e400,"price":0.10,"z":[450.00,1E+21,9007199254740993]}';
  const answer = await fetch(`${server.url}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.merchant.test.secret}`, 'content-type': 'application/json' },
    body: `{"data":{"amount":450,"metadata":${metadata}}}`,
  });
  const opened = await answer.text();
  assert.ok(opened.includes(`"metadata":${metadata}`), opened);
  const [{ body, headers }] = await shop.exactly(1, '/digits');
  const raw = body.toString('utf8');
  assert.equal(JSON.stringify(JSON.parse(raw)), raw);
  const told = JSON.stringify(JSON.parse(raw).payload.metadata);
  assert.equal(told, JSON.stringify(JSON.parse(metadata)));
  assert.equal(told, '{"9":null,"10":0,"z":[450,1e+21,9007199254740992],"price":0.1}');
  for (const given of [raw, JSON.parse(raw)]) {
    assert.equal(webhooks.composeEventDetails(given, headers['x-modem-signature'], secret).event, 'payment_intent.created');
  }
  await merchant.ask('DELETE', `/webhookEndpoints/${endpoint}`);
});

test('customers are told of, in the shape that the client knows', async () => {
  const { id: endpoint, secret } = await listen('/customers');
  await client.sessions.create({ amount: 450, customer: 'c-17', customer_name: 'Awa', customer_email: 'awa@example.com' });
  const { data } = await merchant.ask('GET', '/customers?code=c-17');
  const path = `/customers/${data[0].id}`;
  await merchant.ask('PATCH', path, { name: 'Awa Jallow', phone: '+2207000000' });
  await merchant.ask('DELETE', path);
  const told = (await shop.exactly(4, '/customers'))
    .map(({ body, headers }) => webhooks.composeEventDetails(body.toString(), headers['x-modem-signature'], secret))
    .filter(({ event }) => event.startsWith('customer.'))
    .sort((one, other) => (one.event < other.event ? -1 : 1));
  const known = { id: 'c-17', email: 'awa@example.com' };
  const later = { ...known, name: 'Awa Jallow', phone: '+2207000000' };
  assert.deepEqual(told, [
    { event: 'customer.created', payload: { ...known, name: 'Awa' } },
    { event: 'customer.deleted', payload: later },
    { event: 'customer.updated', payload: later },
  ]);
  await merchant.ask('DELETE', `/webhookEndpoints/${endpoint}`);
});

test('after a rotation both secrets are good, each within two attempts', async () => {
  const endpoint = await listen('/rotated');
  const rotated = await merchant.ask('POST', `/webhookEndpoints/${endpoint.id}/rotate`);
  assert.notEqual(rotated.secret, endpoint.secret);
  await client.sessions.create({ amount: 450 });
  const [{ body, headers }] = await shop.exactly(1, '/rotated');
  const { event } = webhooks.composeEventDetails(body.toString(), headers['x-modem-signature'], rotated.secret);
  assert.equal(event, 'payment_intent.created');
});

test('an event can be told again, a delivery looked at and sent again', async () => {
  const endpoint = await listen('/again');
  const session = await client.sessions.create({ amount: 450 });
  await shop.exactly(1, '/again');
  const events = await merchant.ask('GET', `/events?session=${session.id}`);
  assert.equal(events.data.length, 1);
  const [event] = events.data;
  assert.deepEqual([event.type, event.data.id], ['session.created', session.id]);
  const list = () => merchant.ask('GET', `/deliveries?endpoint=${endpoint.id}&event=${event.id}`);
  const [delivery] = (await list()).data;
  assert.deepEqual([delivery.status, delivery.attempts, delivery.lastAttempt.status], ['delivered', 1, 200]);
  assert.equal(typeof delivery.lastAttempt.latency, 'number');

  await merchant.ask('POST', `/deliveries/${delivery.id}/retry`);
  await shop.exactly(2, '/again');
  await merchant.ask('POST', `/events/${event.id}/replay`);
  const told = await shop.exactly(3, '/again');
  assert.equal(new Set(told.map(({ headers }) => headers['webhook-id'])).size, 1);
  assert.equal((await list()).data.length, 2);

  await merchant.ask('DELETE', `/webhookEndpoints/${endpoint.id}`);
  await client.sessions.create({ amount: 450 });
  await shop.exactly(3, '/again');
});
