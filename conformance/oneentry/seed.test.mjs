// OneEntry's documents of payment sessions, call by call, through the published client and as raw JSON.

import assert from 'node:assert/strict';
import test from 'node:test';
import { startServer } from '../lib/server.mjs';
import { basket, client, good, raw, refused, signedIn, stock } from './shop.mjs';

const server = await startServer(test);
await stock(server);

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const safe = (id) => assert.ok(Number.isSafeInteger(id) && id > 0, `${id} is no safe integer`);

async function ordered(user, storage = 'orders') {
  return good(await user.Orders.createOrder(storage, basket()));
}

test('createSession answers a session that the schemas accept', async () => {
  const user = await signedIn(server);
  const order = await ordered(user);
  for (const type of ['session', 'intent']) {
    const session = good(await user.Payments.createSession(order.id, type, false));
    assert.equal(session.type, type);
    assert.equal(session.orderId, order.id);
    assert.equal(session.status, 'waiting');
    assert.match(session.paymentUrl, new RegExp(`^${server.url}/pay/`));
    assert.match(session.clientSecret, /^[A-Za-z0-9_-]{40,}$/);
    assert.match(session.createdDate, TIME);
  }
});

test("the document's fields that the schemas strip are in the answer", async () => {
  const user = await signedIn(server);
  const order = await ordered(user);
  const { id } = good(await user.Payments.createSession(order.id, 'session'));
  const session = await raw(server, user.tokens.accessToken, `/payments/sessions/${id}`);
  assert.equal(session.version, 1);
  assert.equal(typeof session.identifier, 'string');
  assert.deepEqual(session.intent, { amount: 35, currency: 'usd' });
  safe(session.intentId);
  assert.deepEqual(session.lineItems, [{ id: '1', name: 'Concert ticket', quantity: 2, price: 17.5 }]);
  for (const absent of ['sessionId', 'successUrl', 'cancelUrl']) assert.ok(!(absent in session), absent);
  assert.ok(!Object.values(session).includes(null), 'nothing is null that could be left out');
  for (const field of ['id', 'orderId', 'paymentAccountId']) safe(session[field]);
});

test('getSessions has 30 from the beginning unless asked otherwise, newest first', async () => {
  const user = await signedIn(server);
  const ids = [];
  for (let n = 0; n < 33; n += 1) {
    const order = await ordered(user);
    ids.unshift(good(await user.Payments.createSession(order.id, 'session')).id);
  }
  const page = async (...args) => {
    const { total, items } = good(await user.Payments.getSessions(...args));
    assert.equal(total, 33);
    return items.map(({ id }) => id);
  };
  assert.deepEqual(await page(), ids.slice(0, 30));
  assert.deepEqual(await page(30), ids.slice(30));
  assert.deepEqual(await page(5, 7), ids.slice(5, 12));
  assert.deepEqual(await page(33, 30), []);
  assert.equal(new Set(ids).size, 33);
  // Ids tell nothing of anybody's volume: neighbours are far from each other, and in no order.
  const gaps = ids.slice(1).map((id, at) => id - ids[at]);
  assert.ok(gaps.some((gap) => gap > 0) && gaps.some((gap) => gap < 0));
  assert.ok(gaps.every((gap) => Math.abs(gap) > 1_000));
});

test('getSessionByOrderId answers a list: the document shows one of a single session', async () => {
  const user = await signedIn(server);
  const order = await ordered(user);
  assert.deepEqual(good(await user.Payments.getSessionByOrderId(order.id)), []);
  const { id } = good(await user.Payments.createSession(order.id, 'session'));
  const sessions = good(await user.Payments.getSessionByOrderId(order.id));
  assert.deepEqual(sessions.map((session) => session.id), [id]);
  assert.equal(refused(await user.Payments.getSessionByOrderId(123456789)), 404);
});

test('accounts are as the document has them', async () => {
  const user = await signedIn(server);
  const [account, ...others] = good(await user.Payments.getAccounts());
  assert.deepEqual(others, []);
  safe(account.id);
  assert.equal(account.type, 'custom');
  assert.equal(account.testMode, true);
  assert.equal(account.isVisible, true);
  assert.equal(account.testSettings.status, 'connected');
  assert.match(account.updatedDate, TIME);
  assert.deepEqual(good(await user.Payments.getAccountById(account.id)), account);
  assert.equal(refused(await user.Payments.getAccountById(1)), 404);
});

test('orders are as the client reads them, and totals are exact', async () => {
  const user = await signedIn(server);
  for (const [productId, quantity, sum, text] of [
    [2, 3, 0.3, '0.30'],
    [3, 3, 990, '990'],
    [4, 1_000, 1_005, '1005.000'],
    [4, 7, 7.035, '7.035'],
  ]) {
    const made = good(await user.Orders.createOrder('exact', basket([{ productId, quantity }])));
    assert.equal(made.totalSum, sum);
    const read = good(await user.Orders.getOrderByMarkerAndId('exact', made.id));
    assert.equal(read.totalSum, text);
    assert.equal(read.paymentUrl, null);
    assert.deepEqual(read.formData, [{ marker: 'name', type: 'string', value: 'Doe' }]);
  }
  const { total, items } = good(await user.Orders.getAllOrdersByMarker('exact', 'en_US', 1, 2));
  assert.equal(total, 4);
  assert.deepEqual(items.map(({ totalSum }) => totalSum), ['1005.000', '990']);
  assert.equal(new Set(items.map(({ storageId }) => storageId)).size, 1);
  const created = await raw(server, user.tokens.accessToken, `/orders-storage/marker/exact/orders/${items[0].id}`);
  assert.ok(!('discountConfig' in created));
});

test('an order of what is not sold, or of two currencies, is refused', async () => {
  const user = await signedIn(server);
  for (const products of [
    [],
    [{ productId: 99, quantity: 1 }],
    [{ productId: 1, quantity: 0 }],
    [{ productId: 1, quantity: 1 }, { productId: 3, quantity: 1 }],
  ]) {
    const answer = await user.Orders.createOrder('orders', basket(products));
    assert.equal(refused(answer), 400, JSON.stringify(products));
    assert.match(answer.message, /^products/);
  }
});

test('automatic tax is added by the rail', async () => {
  const user = await signedIn(server);
  const order = await ordered(user);
  const session = good(await user.Payments.createSession(order.id, 'session', true));
  assert.equal(session.amount, 38.5, 'the sandbox adds ten percent');
});

test('a user sees only what is theirs', async () => {
  const owner = await signedIn(server);
  const order = await ordered(owner);
  const session = good(await owner.Payments.createSession(order.id, 'session'));
  const other = await signedIn(server);
  for (const answer of [
    await other.Payments.getSessionById(session.id),
    await other.Payments.getSessionByOrderId(order.id),
    await other.Payments.createSession(order.id, 'session'),
    await other.Orders.getOrderByMarkerAndId('orders', order.id),
  ]) {
    assert.equal(refused(answer), 404);
  }
  assert.deepEqual(good(await other.Payments.getSessions()), { items: [], total: 0 });
  assert.deepEqual(good(await other.Orders.getAllOrdersByMarker('orders')), { items: [], total: 0 });
  const nobody = client(server);
  assert.equal(refused(await nobody.Payments.getSessions()), 401);
  const elsewhere = client({ ...server, merchant: { test: { publishableKey: 'pk_test_x' } } });
  assert.equal(refused(await elsewhere.Payments.getSessions()), 401);
});
