// The published client, call by call, and the documentation's examples as written.

import assert from 'node:assert/strict';
import test from 'node:test';
import { startServer } from '../lib/server.mjs';
import { modempay, pay, payer, thrown } from './client.mjs';
import * as documented from './documented.mjs';

const server = await startServer(test);
const client = modempay(server);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UNKNOWN = '2f4145b6-5a8b-4ec7-b62a-246b4424d351';

/** One of everything that a session may be opened with. */
const everything = {
  title: 'Coffee',
  description: 'Two pounds of it',
  amount: 450,
  currency: 'GMD',
  redirect_url: 'https://shop.example/thanks',
  cancel_url: 'https://shop.example/cart',
  custom_fields: ['Size', 'Delivery address'],
  expires_in: 3600,
  customer: 'c-17',
  customer_name: 'Awa Jallow',
  customer_email: 'awa@example.com',
  customer_phone: '+2207000000',
  metadata: { order: { id: 7, lines: [1, null, { 10: 'ten', 9: 'nine' }] }, weight: 0.25 },
};

test('a session comes back with everything that was given', async () => {
  const session = await client.sessions.create(everything);
  const { id, payment_link, unique_code, type, expired, status, expires_at, createdAt, updatedAt, test_mode, ...given } = session;
  assert.deepEqual(given, everything);
  assert.match(id, UUID);
  assert.ok(payment_link.startsWith(`${server.url}/pay/`));
  assert.match(unique_code, /^[A-Z2-7]{26}$/);
  assert.deepEqual({ type, expired, status, test_mode }, { type: 'single-charge', expired: false, status: 'active', test_mode: true });
  for (const time of [expires_at, createdAt, updatedAt]) assert.match(time, TIME);
  assert.equal(Date.parse(expires_at) - Date.parse(createdAt), 3_600_000);
  assert.deepEqual(await client.sessions.retrieve(id), session);
});

test('the documented examples run as written', async () => {
  const opened = await client.sessions.create({ amount: 450, customer_name: 'Awa', custom_fields: ['Size'], metadata: { a: 1 } });
  const session = await documented.run(documented.retrieve, client, opened.id);
  // "The full session object, allowing you to view properties such as: session status, customer information, payment
  // link, custom fields and metadata."
  assert.equal(session.status, 'active');
  assert.equal(session.customer_name, 'Awa');
  assert.equal(session.payment_link, opened.payment_link);
  assert.deepEqual([session.custom_fields, session.metadata], [['Size'], { a: 1 }]);

  const sessions = await documented.run(documented.list, client);
  assert.equal(sessions.data[0].id, opened.id);

  const expired = await documented.run(documented.expire, client, opened.id);
  assert.equal(expired.status, 'expired', '"Status: changes to expired"');
  const answer = await payer(opened, 'payments', { method: 'card' });
  assert.equal(answer.ok, false, '"preventing any further actions by the customer"');
  const page = await fetch(opened.payment_link, { headers: { accept: 'text/html' } });
  assert.match(await page.text(), /no longer available/, '"a notification that the session is no longer available"');

  for (const example of [documented.retrieve, documented.expire]) {
    assert.equal((await thrown(documented.run(example, client))).statusCode, 404);
  }
});

test('expiring is final, twice is no mistake, and a finished session is not expired', async () => {
  const session = await client.sessions.create({ amount: 450 });
  const expired = await client.sessions.expire(session.id);
  assert.deepEqual([expired.expired, expired.status], [true, 'expired']);
  assert.deepEqual(await client.sessions.expire(session.id), expired);
  assert.deepEqual(await client.sessions.retrieve(session.id), expired);

  const paid = await client.sessions.create({ amount: 450 });
  await pay(paid);
  const refused = await thrown(client.sessions.expire(paid.id));
  assert.deepEqual(refused, { statusCode: 422, message: 'the session is already completed' });
  assert.equal((await client.sessions.retrieve(paid.id)).status, 'completed');
});

test('sessions are listed newest first, by offset, with an exact total, and found by words', async () => {
  const before = (await client.sessions.list()).meta.total;
  const opened = [];
  for (let n = 0; n < 12; n += 1) {
    opened.unshift(await client.sessions.create({ amount: n + 1, title: n % 2 ? 'Kora lesson' : 'Balafon', customer_name: `Pupil ${n}` }));
  }
  const ids = ({ data }) => data.map(({ id }) => id);
  const all = opened.map(({ id }) => id);
  const first = await client.sessions.list();
  assert.deepEqual(ids(first), all.slice(0, 10));
  assert.equal(first.meta.total, before + 12);
  assert.deepEqual(first.data[0], opened[0]);
  const second = await client.sessions.list({ limit: 2, offset: 10 });
  assert.deepEqual(ids(second), all.slice(10, 12));
  assert.equal(second.meta.total, before + 12);

  const found = await client.sessions.list({ search: 'kora les', limit: 100 });
  assert.deepEqual(ids(found), all.filter((_, n) => n % 2 === 0));
  assert.equal(found.meta.total, 6);
  const one = await client.sessions.list({ search: opened[3].unique_code });
  assert.deepEqual([ids(one), one.meta.total], [[opened[3].id], 1]);
  assert.deepEqual((await client.sessions.list({ search: 'nothing like it' })).meta, { total: 0 });
});

test('a payment is listed, found, retrieved and reversed', async () => {
  const session = await client.sessions.create({ min_amount: 100, custom_fields: ['Size'], customer_name: 'Awa', metadata: { order: 7 } });
  await pay(session, { amount: 45_050, customFields: { Size: 'XL' } });
  const { data, meta } = await client.transactions.list({ search: 'awa', limit: 5 });
  assert.ok(meta.total >= 1);
  const listed = data.find(({ payment_intent_id }) => payment_intent_id === session.id);
  const paid = await client.transactions.retrieve(listed.id);
  assert.deepEqual(paid, listed);
  assert.deepEqual(
    [paid.amount, paid.currency, paid.status, paid.custom_fields_values, paid.metadata],
    [450.5, 'GMD', 'completed', { Size: 'XL' }, { order: 7 }],
  );
  const reversed = await client.transactions.reverse(paid.transaction_reference);
  assert.deepEqual([reversed.id, reversed.status], [paid.id, 'refunded']);
  assert.equal((await client.transactions.reverse(paid.transaction_reference)).status, 'refunded');
  assert.equal((await client.transactions.retrieve(paid.id)).status, 'refunded');
  assert.ok((await client.transactions.list({ timeframe: 5 })).meta.total >= 1);
});

test('errors arrive as the client shows them', async () => {
  const refused = async (call, statusCode, words) => {
    const error = await thrown(call);
    assert.equal(error.statusCode, statusCode, error.message);
    assert.match(error.message, words);
  };
  await refused(client.sessions.create({}), 400, /^amount is missing/);
  await refused(client.sessions.create({ amount: -1 }), 400, /^amount /);
  await refused(client.sessions.create({ amount: 450, currency: 'XXZ' }), 400, /^currency /);
  await refused(client.sessions.create({ amount: 450, expires_in: 5 }), 400, /^expires_in .*60/);
  await refused(client.sessions.create({ amount: 450, redirect_url: 'javascript:alert(1)' }), 400, /^redirect_url /);
  await refused(client.sessions.retrieve(UNKNOWN), 404, /no session/);
  await refused(client.sessions.expire(UNKNOWN), 404, /no session/);
  await refused(client.sessions.list({ limit: 0 }), 400, /^limit /);
  await refused(client.transactions.retrieve(UNKNOWN), 404, /no transaction/);
  await refused(client.transactions.reverse(UNKNOWN), 404, /no transaction/);
  const stranger = modempay({ ...server, merchant: { test: { secret: 'sk_test_nobody' } } });
  await refused(stranger.sessions.list(), 401, /secret key/);
  const live = modempay({ ...server, merchant: { test: server.merchant.live } });
  const { id } = await client.sessions.create({ amount: 1 });
  await refused(live.sessions.retrieve(id), 404, /no session/);
});

test('an address or a method that is not there is answered in the same shape', async () => {
  const headers = { authorization: `Bearer ${server.merchant.test.secret}` };
  for (const [method, path, status] of [
    ['GET', '/v1/invoices', 404],
    ['POST', '/v1/', 404],
    ['DELETE', '/v1/sessions', 405],
    ['PATCH', `/v1/sessions/single/${UNKNOWN}`, 405],
  ]) {
    const answer = await fetch(server.url + path, { method, headers });
    const { statusCode, message, ...rest } = await answer.json();
    assert.deepEqual([answer.status, statusCode, typeof message, rest], [status, status, 'string', {}], `${method} ${path}`);
  }
});
