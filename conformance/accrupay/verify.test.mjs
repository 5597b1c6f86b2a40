// Every case of "verify" on the vendor's page, and what time does, through the published client. The merchant's own test
// time is moved, so nothing waits.

import assert from 'node:assert/strict';
import test from 'node:test';
import { parse } from 'graphql';
import { native } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';
import { CARDS, client, pay, payment, refused, storing } from './client.mjs';

const server = await startServer(test);
const accrupay = client(server);
const { transactions, transactions: { clientSessions } } = accrupay;
const pass = (seconds) => native(server).ask('POST', '/test/clock/advance', { seconds });
const [MINUTE, DAY] = [60, 24 * 60 * 60];

const nothing = async () => {};
const cases = [
  { what: 'succeeded', act: pay, status: 'SUCCEEDED', ended: 'succeededAt' },
  { what: 'declined', act: (session) => pay(session, CARDS.declined), status: 'DECLINED', error: 'insufficient_funds', ended: 'failedAt' },
  { what: 'failed', act: (session) => pay(session, CARDS.fails), status: 'FAILED', error: 'processing_error', ended: 'failedAt' },
  {
    what: 'left at the bank’s page',
    act: async (session) => {
      const { body } = await pay(session, CARDS.challenged);
      assert.equal(body.nextAction.type, 'threeDS');
      assert.equal((await clientSessions.payments.verify({ id: session.id })).status, 'PENDING');
      await pass(16 * MINUTE);
    },
    status: 'FAILED',
    error: 'never_arrived',
    ended: 'failedAt',
  },
  { what: 'never begun', act: nothing, status: 'STARTED' },
  { what: 'out of time', act: () => pass(8 * DAY), status: 'EXPIRED' },
  { what: 'unknown, then known', act: (session) => pay(session, CARDS.unknown), status: 'SUCCEEDED', onTheWay: ['UNKNOWN'], ended: 'succeededAt' },
];

for (const { what, act, status, error = null, ended, onTheWay = [] } of cases) {
  test(`verify: ${what}, asked from fifty places at once, and again`, async () => {
    const code = `verify ${what}`;
    const session = await clientSessions.payments.start({ data: payment(code) });
    await act(session);
    const names = [{ id: session.id }, { token: session.token }, { providerCode: session.providerCode }, { merchantInternalTransactionCode: code }];
    const many = await Promise.all(Array.from({ length: 50 }, (_, n) => clientSessions.payments.verify(names[n % names.length])));
    for (const transaction of many) assert.ok([status, ...onTheWay].includes(transaction.status), transaction.status);
    const settled = await clientSessions.payments.verify({ id: session.id });
    assert.deepEqual([settled.status, settled.providerError], [status, error]);
    for (const name of ['succeededAt', 'failedAt', 'canceledAt']) assert.equal(settled[name] instanceof Date, name === ended, name);
    const fresh = ({ token: _t, tokenExpiresAt: _e, ...rest }) => rest;
    assert.deepEqual(fresh(await clientSessions.payments.verify({ id: session.id })), fresh(settled));
    for (const transaction of many) assert.equal(transaction.id, settled.id);
    // By its own id, too, whether or not the payer ever began.
    assert.deepEqual(fresh(await transactions.getOne({ id: settled.id })), fresh(settled));
    const made = await transactions.getMany({ clientTransactionSessionId: session.id });
    assert.equal(made.totalCount, ['STARTED', 'EXPIRED'].includes(status) ? 0 : 1);
  });
}

test('a token is good for twenty minutes; verify takes it later, too', async () => {
  const session = await clientSessions.payments.start({ data: payment('token-1') });
  await pass(20 * MINUTE);
  assert.equal((await pay(session)).status, 403);
  assert.equal((await clientSessions.payments.verify({ token: session.token })).status, 'STARTED');
  const again = await clientSessions.getOne({ id: session.id });
  assert.notEqual(again.token, session.token);
  assert.equal((await pay(again)).body.status, 'succeeded');
});

// The page shows authorization sessions and what is done with a hold; the published client has no method for them. Its
// own Apollo client takes the documents as they are.
const HELD = 'id action status amount relatedTransactionId voidedAt';
const start = parse(`mutation($data: MerchantApiClientTransactionPaymentSessionStartSchema!) {
  it: merchantApiClientTransactionAuthorizationSessionStart(data: $data) { id kind action amount payload } }`);
const verify = parse(`mutation($id: String) { it: merchantApiClientTransactionAuthorizationSessionVerify(id: $id) { ${HELD} } }`);
const settle = parse(`mutation($id: String, $amount: BigInt!) { it: merchantApiTransactionAuthorizationSettle(id: $id, amount: $amount) { ${HELD} } }`);
const release = parse(`mutation($id: String) { it: merchantApiTransactionAuthorizationVoid(id: $id) { ${HELD} } }`);
const mutate = async (mutation, variables) => (await accrupay.apolloClient.mutate({ mutation, variables })).data.it;

async function held(code) {
  const session = await mutate(start, { data: payment(code, { amount: 25000n, customer: undefined }) });
  assert.deepEqual([session.kind, session.action, String(session.amount)], ['authorization', 'AUTHORIZATION', '25000']);
  await pay(session);
  const transaction = await mutate(verify, { id: session.id });
  assert.deepEqual([transaction.status, transaction.action], ['SUCCEEDED', 'AUTHORIZATION']);
  return transaction;
}

test('a hold through the client’s own Apollo client: settled in part, the rest released', async () => {
  const hold = await held('auth-5540');
  assert.equal((await refused(mutate(settle, { id: hold.id, amount: 25001n }))).extensions.argument, 'amount');
  const settled = await mutate(settle, { id: hold.id, amount: 10000n });
  assert.deepEqual([settled.action, String(settled.amount), settled.status, settled.relatedTransactionId], ['SETTLE', '10000', 'SUCCEEDED', hold.id]);
  assert.match((await refused(mutate(settle, { id: hold.id, amount: 1n }))).message, /already settled/);
  assert.match((await refused(mutate(release, { id: hold.id }))).message, /already settled/);
  const refund = await transactions.refundOne({ id: settled.id, amount: 10000n });
  assert.deepEqual([refund.action, refund.relatedTransactionId], ['REFUND', settled.id]);
});

test('a hold is released, by either name, once', async () => {
  const [one, other] = [await held('auth-5541'), await held('auth-5542')];
  const voided = await mutate(release, { id: one.id });
  assert.deepEqual([voided.action, voided.status, voided.relatedTransactionId], ['VOID', 'SUCCEEDED', one.id]);
  assert.equal((await transactions.voidOne({ id: other.id })).relatedTransactionId, other.id);
  for (const { id } of [one, other]) {
    assert.match((await refused(transactions.voidOne({ id }))).message, /already voided/);
    assert.ok((await transactions.getOne({ id })).voidedAt instanceof Date);
  }
  assert.equal((await transactions.getMany({ reverted: true, action: 'AUTHORIZATION' })).totalCount, 2);
});

test('a hold runs out after seven days', async () => {
  const hold = await held('auth-5543');
  await pass(7 * DAY - MINUTE);
  assert.equal((await transactions.getOne({ id: hold.id })).voidedAt, null);
  await pass(MINUTE);
  assert.match((await refused(mutate(settle, { id: hold.id, amount: 1n }))).message, /run out/);
  assert.match((await refused(transactions.voidOne({ id: hold.id }))).message, /run out/);
});

test('a stored card: kept only when asked, listed, charged without the payer, refused once it is detached', async () => {
  const customer = { merchantInternalCustomerCode: 'keeps-cards' };
  const listed = async () => (await accrupay.paymentMethods.getMany(customer)).items.map(({ id }) => id);
  const unasked = await clientSessions.payments.start({ data: payment('keep-1', { customer }) });
  await pay(unasked);
  assert.equal((await clientSessions.payments.verify({ id: unasked.id })).paymentMethod, null);
  assert.deepEqual(await listed(), []);

  const asked = await clientSessions.payments.start({ data: payment('keep-2', { customer, storePaymentMethod: true }) });
  await pay(asked);
  const { paymentMethod } = await clientSessions.payments.verify({ id: asked.id });
  assert.deepEqual(await listed(), [paymentMethod.id]);
  assert.equal((await clientSessions.getOne({ id: asked.id })).paymentMethod.id, paymentMethod.id);

  const charge = (code) => transactions.payments.paymentMethod.charge({
    data: { ...storing(code, { customer: undefined }), ...customer, amount: 500n, merchantCustomerPaymentMethodId: paymentMethod.id },
  });
  const charged = await charge('keep-charge-1');
  assert.deepEqual([charged.status, charged.amount, charged.paymentMethodId], ['SUCCEEDED', 500n, paymentMethod.id]);
  assert.equal((await transactions.getOne({ merchantInternalTransactionCode: 'keep-charge-1' })).id, charged.id);

  await native(server).ask('POST', `/paymentMethods/${paymentMethod.id}/detach`);
  assert.equal((await refused(charge('keep-charge-2'))).extensions.code, 'NOT_FOUND');
  const gone = await accrupay.paymentMethods.getOne({ merchantCustomerPaymentMethodId: paymentMethod.id });
  assert.deepEqual([gone.status, gone.isEnabled], ['DISABLED', false]);
});
