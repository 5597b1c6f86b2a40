// XanPay's documentation of sessions, example by example and rule by rule.

import assert from 'node:assert/strict';
import test from 'node:test';
import { native, xanpay } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';
import { TIME, curl, request, session as documented } from './documented.mjs';

const server = await startServer(test);
const merchant = xanpay(server);

/** Every documented method, with the currency that it settles. */
const METHODS = {
  fps: 'HKD',
  'hk-bank-transfer': 'HKD',
  paynow: 'SGD',
  'viettel-pay': 'VND',
  'duit-now': 'MYR',
  instapay: 'PHP',
  'prompt-pay': 'THB',
  'in-bank-transfer': 'INR',
  'gojek-id': 'IDR',
  'id-bank-transfer': 'IDR',
  'au-bank-transfer': 'AUD',
  'nz-bank-transfer': 'NZD',
  toss: 'KRW',
};

async function open(body) {
  const answer = await merchant.send('POST', '/sessions', body, curl);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

async function refused(body) {
  const answer = await merchant.send('POST', '/sessions', body, curl);
  const about = `${JSON.stringify(body)} → ${JSON.stringify(answer.body)}`;
  assert.equal(answer.status, 400, about);
  assert.equal(answer.body.statusCode, 400, about);
  assert.equal(answer.body.error, 'Bad Request', about);
  return answer.body.message;
}

async function stored() {
  const { data, nextCursor } = await native(server).ask('GET', '/sessions?limit=100');
  assert.equal(nextCursor, null, 'too many sessions for this test to count');
  return data.length;
}

for (const path of ['/sessions/', '/sessions']) {
  test(`the documented request to ${path} opens the documented session`, async () => {
    const before = Date.now();
    const answer = await merchant.send('POST', path, request, curl);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const { id, createdAt, updatedAt, ...rest } = answer.body;
    const { id: _id, createdAt: _created, updatedAt: _updated, ...expected } = documented;
    assert.deepEqual(rest, expected);
    assert.match(id, /^[A-Za-z0-9_-]+$/, 'the id is safe in a link');
    assert.match(createdAt, TIME);
    assert.equal(updatedAt, createdAt);
    assert.ok(Math.abs(Date.parse(createdAt) - before) < 60_000);
  });
}

test('a session reads as it was answered when it was opened', async () => {
  const opened = await open(request);
  const read = await merchant.send('GET', `/sessions/${opened.id}`);
  assert.equal(read.status, 200);
  assert.deepEqual(read.body, opened);
});

test('a session that nobody paid has no charge', async () => {
  const { id } = await open(request);
  const answer = await merchant.send('GET', `/sessions/${id}/charge`);
  assert.equal(answer.status, 404);
  assert.equal(answer.body.statusCode, 404);
});

test('a session that does not exist is not found', async () => {
  for (const path of [`/sessions/${documented.id}`, `/sessions/${documented.id}/charge`, '/sessions/x']) {
    assert.equal((await merchant.send('GET', path)).status, 404, path);
  }
});

test('an id with one character changed is not found', async () => {
  const { id } = await open(request);
  const last = id.at(-1) === 'A' ? 'B' : 'A';
  assert.equal((await merchant.send('GET', `/sessions/${id.slice(0, -1)}${last}`)).status, 404);
});

test('without a key, or with a wrong one, nothing is answered', async () => {
  const { id } = await open(request);
  const { keyId, secret } = server.merchant.test;
  const wrong = [undefined, 'Basic !', `Bearer ${secret}x`, basic(keyId, `${secret}x`), basic('x', secret), basic(keyId, '')];
  for (const authorization of wrong) {
    for (const [method, path] of [['POST', '/sessions'], ['GET', `/sessions/${id}`], ['GET', `/sessions/${id}/charge`]]) {
      const answer = await fetch(server.url + path, {
        method,
        headers: authorization === undefined ? {} : { authorization },
        body: method === 'POST' ? request : undefined,
      });
      assert.equal(answer.status, 401, `${method} ${path} with ${authorization}`);
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic/);
      await answer.body?.cancel();
    }
  }
});

test('the live key does not see a test session', async () => {
  const { id } = await open(request);
  const live = xanpay({ url: server.url, merchant: { test: server.merchant.live } });
  assert.equal((await live.send('GET', `/sessions/${id}`)).status, 404);
});

test('an amount is a string or a number of major units, and is answered as a number', async () => {
  for (const [amount, currency, answered] of [
    ['35', 'SGD', 35],
    [35, 'SGD', 35],
    ['35.10', 'SGD', 35.1],
    [0.01, 'SGD', 0.01],
    ['1500', 'KRW', 1500],
  ]) {
    const session = await open({ amount, currency });
    assert.equal(session.amount, answered);
    assert.equal(session.currency, currency);
  }
});

test('what was not given is left out of the answer', async () => {
  const session = await open({ amount: '35', currency: 'SGD' });
  assert.deepEqual(Object.keys(session).sort(), ['amount', 'createdAt', 'currency', 'id', 'methods', 'status', 'updatedAt']);
});

test('every documented method can be asked for', async () => {
  for (const [method, currency] of Object.entries(METHODS)) {
    const session = await open({ amount: '5000', currency, methods: [method] });
    assert.deepEqual(session.methods, [method]);
  }
});

test('whatever is wrong with a request answers 400, says which field, and stores nothing', async () => {
  const before = await stored();
  const good = { amount: '35', currency: 'SGD' };
  const wrong = [
    ['amount', { currency: 'SGD' }],
    ['amount', { ...good, amount: '0' }],
    ['amount', { ...good, amount: '-1' }],
    ['amount', { ...good, amount: '35.001' }],
    ['amount', { ...good, amount: 'many' }],
    ['amount', { ...good, amount: '1e400' }],
    ['amount', { ...good, amount: '10.5', currency: 'KRW' }],
    ['currency', { amount: '35' }],
    ['currency', { ...good, currency: 'XXZ' }],
    ['methods', { ...good, methods: ['cash'] }],
    ['methods', { ...good, methods: ['toss'] }],
    ['notifyUrl', { ...good, notifyUrl: 'not a url' }],
    ['notifyUrl', { ...good, notifyUrl: 'file:///etc/passwd' }],
    ['redirectUrl', { ...good, redirectUrl: 'javascript:alert(1)' }],
    ['orders', { ...good, orders: [{ id: 'a', name: 'b', quantity: -1, amount: 35 }] }],
  ];
  for (const [field, body] of wrong) {
    const message = await refused(body);
    assert.ok(message.includes(field), `${JSON.stringify(body)}: the message "${message}" does not name ${field}`);
  }
  for (const body of ['', 'amount=35&currency=SGD', '{', '[]', 'null', '['.repeat(2_000)]) await refused(body);
  assert.equal(await stored(), before);
});

test('a link of the wrong mode shows no session', async () => {
  const { id } = await open(request);
  const status = async (query) => {
    const answer = await fetch(`${server.url}/?${query}`);
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await status(`sessionId=${id}&isSandbox=true`), 200);
  assert.equal(await status(`sessionId=${id}`), 404);
  assert.equal(await status(`sessionId=${documented.id}&isSandbox=true`), 404);
});

test('opening the link does not use the session', async () => {
  const { id } = await open(request);
  await (await fetch(`${server.url}/?sessionId=${id}&isSandbox=true`)).text();
  assert.equal((await merchant.ask('GET', `/sessions/${id}`)).status, 'created');
});

function basic(keyId, secret) {
  return `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`;
}
