// What the published client offers beyond the page: lists, transactions, stored cards, accounts, the merchant; and how it
// meets errors.

import assert from 'node:assert/strict';
import test from 'node:test';
import { native } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';
import { CARDS, client, pay, payment, raw, refused, storing } from './client.mjs';

const server = await startServer(test);
const accrupay = client(server);
const { transactions, paymentMethods } = accrupay;
const { clientSessions } = transactions;

// Twelve sessions: every third is paid, and every fourth is declined.
const sessions = [];
for (let number = 0; number < 12; number += 1) {
  const session = await clientSessions.payments.start({
    data: payment(`order-${number}`, {
      amount: BigInt(100 * ((number * 5) % 12) + 100),
      currency: number % 2 ? 'EUR' : 'USD',
      customer: { merchantInternalCustomerCode: `customer-${number % 2}` },
    }),
  });
  if (number % 3 === 0) await pay(session);
  else if (number % 4 === 1) await pay(session, CARDS.declined);
  sessions.push(session);
}
const newest = [...sessions].reverse().map(({ id }) => id);

test('clientSessions.getMany counts, skips and takes', async () => {
  const seen = [];
  for (let skip = 0; skip < 15; skip += 5) {
    const page = await clientSessions.getMany({ skip, take: 5 });
    assert.equal(page.totalCount, 12);
    assert.equal(page.pageInfo.hasNextPage, skip < 10);
    seen.push(...page.items.map(({ id }) => id));
  }
  assert.deepEqual(seen, newest);
});

test('clientSessions.getMany pages by cursors, both ways', async () => {
  for (const sorting of [undefined, [{ field: 'amount', order: 'DESC' }]]) {
    const all = (await clientSessions.getMany({ take: 100, sorting })).items.map(({ id }) => id);
    const [forward, backward] = [[], []];
    for (let after; ; ) {
      const page = await clientSessions.getMany({ first: 5, after, sorting });
      forward.push(...page.items.map(({ id }) => id));
      if (!page.pageInfo.hasNextPage) break;
      after = page.items.at(-1).cursor;
    }
    for (let before; ; ) {
      const page = await clientSessions.getMany({ last: 5, before, sorting });
      backward.unshift(...page.items.map(({ id }) => id));
      if (!page.pageInfo.hasPreviousPage) break;
      before = page.pageInfo.startCursor;
    }
    assert.deepEqual(forward, all);
    assert.deepEqual(backward, all);
  }
});

test('clientSessions.getMany filters', async () => {
  const count = async (filter) => {
    const { items, totalCount } = await clientSessions.getMany({ ...filter, take: 100 });
    assert.equal(items.length, totalCount);
    return totalCount;
  };
  const [first] = sessions;
  const cases = [
    [{ completed: true }, 4],
    [{ completed: false }, 8],
    [{ currency: 'EUR' }, 6],
    [{ amount: 100n }, 1],
    [{ merchantInternalCustomerCode: 'customer-1' }, 6],
    [{ merchantInternalTransactionCode: 'order-7' }, 1],
    [{ action: 'PAYMENT' }, 12],
    [{ action: 'AUTHORIZATION' }, 0],
    [{ providerStatus: 'ACTIVE' }, 8],
    [{ providerStatus: 'COMPLETED', currency: 'USD' }, 2],
    [{ id: first.id }, 1],
    [{ providerCode: first.providerCode }, 1],
    [{ token: first.token }, 1],
    [{ transactionProviderId: first.transactionProviderId }, 12],
    [{ started: true }, 12],
    [{ canceled: true }, 0],
    [{ hasProviderError: true }, 0],
    [{ paymentMethodId: 'x' }, 0],
    [{ paymentPlanId: 'x' }, 0],
  ];
  for (const [filter, expected] of cases) assert.equal(await count(filter), expected, String(Object.entries(filter)));
});

test('sorting is by createdAt, updatedAt or amount', async () => {
  const amounts = (await clientSessions.getMany({ take: 100, sorting: [{ field: 'amount', order: 'ASC' }] })).items.map(({ amount }) => amount);
  assert.deepEqual(amounts, [...amounts].sort((a, b) => Number(a - b)));
  const oldest = (await clientSessions.getMany({ take: 100, sorting: [{ field: 'createdAt', order: 'ASC' }] })).items.map(({ id }) => id);
  assert.deepEqual(oldest, [...newest].reverse());
  const wrong = await refused(clientSessions.getMany({ sorting: [{ field: 'token', order: 'ASC' }] }));
  assert.equal(wrong.extensions.argument, 'sorting[0].field');
});

test('transactions: getMany, getOne, refundOne, voidOne, syncOne', async () => {
  const paid = await transactions.getMany({ action: 'PAYMENT', status: 'SUCCEEDED', take: 100 });
  assert.equal(paid.totalCount, 4);
  const [latest] = paid.items;
  for (const by of [{ id: latest.id }, { providerCode: latest.providerCode }, { merchantInternalTransactionCode: latest.merchantInternalTransactionCode }]) {
    assert.equal((await transactions.getOne(by)).id, latest.id);
  }
  const refund = await transactions.refundOne({ id: latest.id, amount: 40n });
  assert.deepEqual([refund.action, refund.status, refund.relatedTransaction.id], ['REFUND', 'SUCCEEDED', latest.id]);
  assert.equal(refund.relatedTransaction.refundedAmount, 40n);
  assert.equal((await transactions.getMany({ relatedTransactionId: latest.id })).items[0].id, refund.id);
  assert.equal((await transactions.getMany({ reverted: true })).totalCount, 1);
  const tooMuch = await refused(transactions.refundOne({ id: latest.id, amount: latest.amount }));
  assert.deepEqual([tooMuch.extensions.code, tooMuch.extensions.argument], ['VALIDATION_ERROR', 'amount']);
  assert.equal((await refused(transactions.voidOne({ id: latest.id }))).extensions.code, 'VALIDATION_ERROR');
  const synced = await transactions.syncOne({ id: latest.id, merchantTransactionProviderId: latest.transactionProviderId });
  assert.equal(synced.status, 'SUCCEEDED');
  assert.equal((await transactions.getMany({ hasProviderError: true })).totalCount, 2);
});

test('transactions.getMany filters', async () => {
  const [paid] = (await transactions.getMany({ merchantInternalTransactionCode: 'order-9' })).items;
  const [refund] = (await transactions.getMany({ action: 'REFUND' })).items;
  // The client does not ask for a transaction's session.
  const session = await clientSessions.getOne({ merchantInternalTransactionCode: 'order-9' });
  const cases = [
    [{}, 7],
    [{ id: paid.id }, 1],
    [{ id: paid.id, status: 'DECLINED' }, 0],
    [{ providerCode: paid.providerCode }, 1],
    [{ merchantInternalTransactionCode: 'order-9' }, 1],
    [{ merchantInternalTransactionCode: 'order-9', action: 'REFUND' }, 0],
    [{ merchantInternalCustomerCode: 'customer-1' }, 5],
    [{ clientTransactionSessionId: session.id }, 2],
    [{ transactionProviderId: paid.transactionProviderId }, 7],
    [{ transactionProvider: 'NUVEI' }, 7],
    [{ action: 'PAYMENT' }, 6],
    [{ actions: ['PAYMENT', 'REFUND'] }, 7],
    [{ status: 'DECLINED' }, 2],
    [{ statuses: ['SUCCEEDED', 'DECLINED'] }, 7],
    [{ currency: 'EUR' }, 5],
    [{ relatedTransactionId: paid.id }, 1],
    [{ providerRelatedCode: refund.providerRelatedCode }, 1],
    [{ hasProviderError: true }, 2],
    [{ hasProviderError: false }, 5],
    [{ failed: true }, 2],
    [{ succeeded: true }, 5],
    [{ canceled: true }, 0],
    [{ started: true }, 7],
    [{ started: false }, 0],
    [{ disputed: true }, 0],
    [{ disputed: false }, 7],
    [{ reverted: true }, 1],
    [{ reverted: false }, 6],
    [{ paymentMethodType: 'CARD' }, 7],
    [{ paymentMethodType: 'ACH' }, 0],
    [{ paymentMethodType: 'OTHER' }, 0],
    [{ paymentMethodId: 'x' }, 0],
    [{ paymentMethodCode: 'x' }, 0],
    [{ paymentPlanId: 'x' }, 0],
    [{ transactionDateFrom: paid.transactionDate, transactionDateTo: paid.transactionDate, id: paid.id }, 1],
    [{ transactionDateTo: new Date('2020-01-01T00:00:00Z') }, 0],
  ];
  for (const [filter, expected] of cases) {
    const { items, totalCount } = await transactions.getMany({ ...filter, take: 100 });
    assert.deepEqual([totalCount, items.length], [expected, expected], JSON.stringify(filter));
  }
});

test('stored cards: getMany, getOne, syncOne', async () => {
  const session = await clientSessions.paymentMethod.add.start({ data: storing('add-1') });
  await pay(session);
  const { paymentMethod } = await clientSessions.paymentMethod.add.verify({ id: session.id });
  const listed = await paymentMethods.getMany({ merchantInternalCustomerCode: 'customer-4421' });
  assert.deepEqual([listed.totalCount, listed.items[0].id], [1, paymentMethod.id]);
  assert.equal((await paymentMethods.getOne({ merchantCustomerPaymentMethodId: paymentMethod.id })).isEnabled, true);
  const synced = await paymentMethods.syncOne({
    merchantInternalCustomerCode: 'customer-4421',
    merchantTransactionProviderId: paymentMethod.transactionProviderId,
    providerCode: paymentMethod.providerCode,
  });
  assert.equal(synced.id, paymentMethod.id);
  assert.equal((await clientSessions.getMany({ paymentMethodId: paymentMethod.id })).items[0].id, session.id);
});

test('a code that is not known makes a customer', async () => {
  const { data } = await native(server).ask('GET', '/customers?limit=100');
  const codes = data.map(({ code }) => code).sort();
  assert.deepEqual(codes, ['customer-0', 'customer-1', 'customer-4421']);
});

test('accounts and the merchant', async () => {
  const { items } = await accrupay.transactionProviders.getMany({ status: 'ENABLED' });
  assert.equal(items.length, 1);
  const one = await accrupay.transactionProviders.getOne({ merchantTransactionProviderId: items[0].id });
  assert.deepEqual([one.provider, one.status], ['SANDBOX', 'ENABLED']);
  const merchant = await accrupay.merchants.getCurrent({});
  assert.deepEqual([merchant.id, merchant.name], [server.merchant.merchantId, 'Conformance']);
  assert.equal(merchant.publicId, server.merchant.test.publishableKey);
  const view = await raw(
    server,
    'query($m: String!, $s: String!) { it: clientPublicTransactionSession(merchantPublicId: $m, transactionSessionId: $s) { transactionSession { id token status } } }',
    { m: merchant.publicId, s: newest[0] },
    {},
  );
  assert.deepEqual(view.data.it.transactionSession, { id: newest[0], token: null, status: 'ACTIVE' });
});

test('payment plans and direct debits are refused', async () => {
  assert.match((await refused(accrupay.paymentPlans.getMany({}))).message, /not supported/);
  assert.match((await refused(accrupay.paymentPlanTemplates.getMany({}))).message, /not supported/);
  const data = { ...payment('ach-1'), ach: { accountNumber: '1', routingNumber: '1' }, merchantInternalCustomerCode: 'x', customer: undefined };
  assert.match((await refused(transactions.payments.ach.initiate({ data }))).message, /not supported/);
});

test('a wrong secret calls onAuthError; the client sees the GraphQL error', async () => {
  for (const secret of ['', 'x', server.merchant.test.publishableKey]) {
    let told = 0;
    const stranger = client(server, secret, { onAuthError: () => (told += 1) });
    assert.equal((await refused(stranger.merchants.getCurrent({}))).extensions.code, 'UNAUTHENTICATED');
    assert.equal(told, 1);
  }
});

test('the live secret sees nothing of test mode', async () => {
  const live = client(server, server.merchant.live.secret);
  assert.equal((await live.transactions.clientSessions.getMany({})).totalCount, 0);
  assert.equal((await refused(live.transactions.clientSessions.getOne({ id: newest[0] }))).extensions.code, 'NOT_FOUND');
  const start = await refused(live.transactions.clientSessions.payments.start({ data: payment('live-1') }));
  assert.equal(start.extensions.code, 'VALIDATION_ERROR');
});

test('wrong data is refused by the argument that is wrong', async () => {
  const good = payment('wrong-1');
  for (const [data, argument] of [
    [{ ...good, amount: 0n }, 'data.amount'],
    [{ ...good, billing: { ...good.billing, billingEmail: 'jane' } }, 'data.billing.billingEmail'],
    [{ ...good, billing: { ...good.billing, billingPhone: '2125550100' } }, 'data.billing.billingPhone'],
    [{ ...good, billing: { ...good.billing, billingAddressState: 'CA-ON' } }, 'data.billing.billingAddressState'],
    [{ ...good, merchantInternalCustomerCode: 'another' }, 'data.customer.merchantInternalCustomerCode'],
    [{ ...good, merchantInternalTransactionCode: 'order-1' }, 'data.merchantInternalTransactionCode'],
  ]) {
    const error = await refused(clientSessions.payments.start({ data }));
    assert.deepEqual([error.extensions.code, error.extensions.argument], ['VALIDATION_ERROR', argument]);
  }
});
