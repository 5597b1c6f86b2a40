// Signing up, in and out with the published client, and its refresh, which has no lock.

import assert from 'node:assert/strict';
import test from 'node:test';
import { startServer } from '../lib/server.mjs';
import { basket, client, good, newcomer, refused, signedIn, stock } from './shop.mjs';

const server = await startServer(test);
await stock(server);

test('a user signs up as in the document', async () => {
  const shop = client(server);
  const body = newcomer();
  const { value: login } = body.authData[0];
  const user = good(await shop.AuthProvider.signUp('email', structuredClone(body)));
  assert.equal(user.identifier, login);
  assert.equal(user.isActive, true);
  assert.equal(user.locale, 'en_US');
  assert.deepEqual(user.notificationData, body.notificationData);
  assert.deepEqual(user.formData, body.formData);
  assert.equal(refused(await shop.AuthProvider.signUp('email', structuredClone(body))), 409);
  const tokens = good(await shop.AuthProvider.auth('email', { authData: body.authData }));
  assert.equal(tokens.userIdentifier, login);
  assert.equal(tokens.authProviderIdentifier, 'email');
});

test('a wrong password and an unknown login are refused alike', async () => {
  const { authData } = await signedIn(server);
  const shop = client(server);
  const [login] = authData;
  const wrong = await shop.AuthProvider.auth('email', { authData: [login, { marker: 'password', value: 'guess' }] });
  const unknown = await shop.AuthProvider.auth('email', { authData: newcomer().authData });
  assert.equal(refused(wrong), 401);
  assert.equal(refused(unknown), 401);
  assert.equal(wrong.message, unknown.message);
});

test('the client refreshes by itself when it is told 401', async () => {
  const { saved } = await signedIn(server);
  let next;
  // As after a restart: a refresh token, and no access token yet.
  const shop = client(server, { refreshToken: saved(), saveFunction: (token) => (next = token) });
  assert.deepEqual(good(await shop.Payments.getSessions()), { items: [], total: 0 });
  assert.ok(next && next !== saved(), 'the refresh token is rotated');
});

test('calls that meet 401 together all succeed, and the client is not out afterwards', async () => {
  const { saved } = await signedIn(server);
  let held = saved();
  for (let round = 0; round < 3; round += 1) {
    const shop = client(server, { refreshToken: held, saveFunction: (token) => (held = token) });
    const answers = await Promise.all([
      ...Array.from({ length: 15 }, () => shop.Payments.getSessions()),
      ...Array.from({ length: 5 }, () => shop.Orders.getAllOrdersByMarker('orders')),
    ]);
    for (const answer of answers) assert.equal(good(answer).total, 0);
    // Whichever answer came last is what it keeps; the next round begins with that.
    good(await shop.Payments.getAccounts());
  }
});

test('logging out ends the tokens at once', async () => {
  const { shop, tokens } = await signedIn(server);
  const other = client(server, { refreshToken: tokens.refreshToken });
  const order = good(await shop.Orders.createOrder('orders', basket()));
  assert.equal(good(await shop.AuthProvider.logout('email', tokens.refreshToken)), true);
  assert.equal(refused(await other.Payments.getSessionByOrderId(order.id)), 401);
  const answer = await fetch(`${server.url}/api/content/payments/sessions`, {
    headers: { 'x-app-token': server.merchant.test.publishableKey, authorization: `Bearer ${tokens.accessToken}` },
  });
  assert.equal(answer.status, 401);
});

test('logging out everywhere ends all of them', async () => {
  const { shop, authData } = await signedIn(server);
  const second = client(server);
  good(await second.AuthProvider.auth('email', { authData }));
  assert.equal(good(await shop.AuthProvider.logoutAll('email')), true);
  assert.equal(refused(await second.Payments.getSessions()), 401);
});
