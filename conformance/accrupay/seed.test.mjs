// The vendor's page "Client Sessions", call by call, through the published client.

import assert from 'node:assert/strict';
import test from 'node:test';
import { startServer } from '../lib/server.mjs';
import { CARDS, UUID, ask, client, pay, payment, refused, storing } from './client.mjs';

const server = await startServer(test);
const accrupay = client(server);
const { clientSessions } = accrupay.transactions;
const account = (await accrupay.transactionProviders.getMany({})).items[0];

test('getBaseConfig, by account and by provider', async () => {
  for (const by of [{ merchantTransactionProviderId: account.id }, { transactionProvider: 'NUVEI' }]) {
    const config = await clientSessions.getBaseConfig(by);
    assert.equal(config.provider, 'SANDBOX');
    assert.equal(config.data.publicKey, server.merchant.test.publishableKey);
  }
  const both = await refused(clientSessions.getBaseConfig({ merchantTransactionProviderId: account.id, transactionProvider: 'NUVEI' }));
  assert.equal(both.extensions.code, 'VALIDATION_ERROR');
});

test('payments.start answers with the documented session', async () => {
  const before = Date.now();
  const session = await clientSessions.payments.start({ merchantTransactionProviderId: account.id, data: payment('order-8821') });
  assert.match(session.id, UUID);
  assert.equal(typeof session.token, 'string');
  const lives = new Date(session.tokenExpiresAt).getTime() - before;
  assert.ok(Math.abs(lives - 20 * 60_000) < 60_000, `${lives} ms`);
  assert.equal(session.status, 'ACTIVE');
  assert.equal(session.action, 'PAYMENT');
  assert.equal(session.amount, 10000n);
  assert.equal(session.currency, 'USD');
  assert.equal(session.merchantInternalTransactionCode, 'order-8821');
  assert.equal(session.merchantInternalCustomerCode, 'customer-4421');
  assert.equal(session.transactionProviderId, account.id);
  assert.equal(session.storePaymentMethod, false);
  assert.deepEqual(Object.keys(session.payload).sort(), ['payUrl', 'provider', 'publishableKey']);
  assert.equal(session.paymentMethod, null);
  assert.equal(session.transactionProvider.id, account.id);
  const { it } = await ask(server, 'query($id: String) { it: merchantApiClientTransactionSession(id: $id) { kind transactions { id } } }', { id: session.id });
  assert.deepEqual(it, { kind: 'payment', transactions: [] });
});

test('getOne finds a session by each of its identifiers, and only by exactly one', async () => {
  const session = await clientSessions.payments.start({ data: payment('one-1') });
  const names = {
    id: session.id,
    merchantInternalTransactionCode: 'one-1',
    providerCode: session.providerCode,
    token: session.token,
  };
  for (const [name, value] of Object.entries(names)) {
    const found = await clientSessions.getOne({ [name]: value });
    assert.equal(found.id, session.id, name);
    const { tokenExpiresAt: _a, token: _b, payload: _c, ...rest } = found;
    const { tokenExpiresAt: _d, token: _e, payload: _f, ...opened } = session;
    assert.deepEqual(rest, opened, name);
  }
  for (const wrong of [{}, { id: session.id, token: session.token }]) {
    assert.equal((await refused(clientSessions.getOne(wrong))).extensions.code, 'VALIDATION_ERROR');
  }
  assert.equal((await refused(clientSessions.getOne({ id: 'session-id' }))).extensions.code, 'NOT_FOUND');
});

test('payments.verify answers with the transaction, by each identifier, as often as it is asked', async () => {
  const session = await clientSessions.payments.start({ data: payment('verify-1') });
  const started = await clientSessions.payments.verify({ id: session.id });
  assert.equal(started.status, 'STARTED');
  assert.equal((await pay(session)).body.status, 'succeeded');
  const names = { id: session.id, token: session.token, providerCode: session.providerCode, merchantInternalTransactionCode: 'verify-1' };
  for (const [name, value] of Object.entries(names)) {
    const transaction = await clientSessions.payments.verify({ [name]: value });
    assert.equal(transaction.id, started.id, name);
    assert.equal(transaction.status, 'SUCCEEDED');
    assert.equal(transaction.amount, 10000n);
    assert.ok(transaction.succeededAt instanceof Date);
  }
  const many = await Promise.all(Array.from({ length: 50 }, () => clientSessions.payments.verify({ id: session.id })));
  for (const transaction of many) assert.deepEqual(transaction, many[0]);
});

test('a payer who tried in vain may try again', async () => {
  const session = await clientSessions.payments.start({ data: payment('again-1') });
  await pay(session, CARDS.declined);
  await pay(session);
  assert.equal((await clientSessions.payments.verify({ id: session.id })).status, 'SUCCEEDED');
  const completed = await clientSessions.getOne({ id: session.id });
  assert.equal(completed.status, 'COMPLETED');
  assert.equal(completed.token, null);
  assert.ok(completed.completedAt instanceof Date);
});

test('paymentMethod.add stores a card that is charged later', async () => {
  const session = await clientSessions.paymentMethod.add.start({ merchantTransactionProviderId: account.id, data: storing('add-pm-3310') });
  assert.equal(session.amount, 0n);
  assert.equal(session.action, 'AUTHENTICATION');
  await pay(session);
  const result = await clientSessions.paymentMethod.add.verify({ id: session.id });
  assert.equal(result.status, 'SUCCEEDED');
  assert.equal(result.paymentMethod.paymentMethodInfo.cardNumberMasked, '**** **** **** 4242');
  const charged = await accrupay.transactions.payments.paymentMethod.charge({
    data: {
      amount: 500n,
      billing: payment('x').billing,
      currency: 'USD',
      merchantCustomerPaymentMethodId: result.paymentMethod.id,
      merchantInternalCustomerCode: 'customer-4421',
      merchantInternalTransactionCode: 'charge-1',
    },
  });
  assert.equal(charged.status, 'SUCCEEDED');
  assert.equal(charged.amount, 500n);
  assert.equal(charged.paymentMethodId, result.paymentMethod.id);
});

test('a card that stores but cannot be charged says so', async () => {
  const session = await clientSessions.paymentMethod.add.start({ data: storing('add-2') });
  await pay(session, CARDS.storesOnly);
  const stored = await clientSessions.paymentMethod.add.verify({ merchantInternalTransactionCode: 'add-2' });
  const charged = await accrupay.transactions.payments.paymentMethod.charge({
    transactionProvider: 'NUVEI',
    data: {
      amount: 500n,
      billing: payment('x').billing,
      currency: 'USD',
      merchantCustomerPaymentMethodId: stored.paymentMethod.id,
      merchantInternalCustomerCode: 'customer-4421',
      merchantInternalTransactionCode: 'charge-2',
    },
  });
  assert.ok(['DECLINED', 'FAILED'].includes(charged.status), charged.status);
  assert.notEqual(charged.providerError, null);
});

test('currencies and providers that the published client does not know come by plain GraphQL, and it can read them', async () => {
  const { it } = await ask(
    server,
    `mutation($data: MerchantApiClientTransactionPaymentSessionStartSchema!) {
      it: merchantApiClientTransactionPaymentSessionStartV2(transactionProvider: EXAMPLE, data: $data) { id } }`,
    { data: { ...payment('yen-1'), amount: '1500', currency: 'JPY' } },
  );
  const session = await clientSessions.getOne({ id: it.id });
  assert.deepEqual([session.amount, session.currency], [1500n, 'JPY']);
});
