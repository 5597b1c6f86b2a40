// A shop that uses OneEntry's published client, unmodified, with its own schemas as the judge of every answer.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import oneentry from 'oneentry';
import { native } from '../lib/api.mjs';

/** What the shop sells: the merchant's own numbers, and prices as decimal strings. */
export const PRODUCTS = {
  1: { title: 'Concert ticket', price: '17.50', currency: 'USD' },
  2: { title: 'Tea', price: '0.10', currency: 'USD' },
  3: { title: 'Rice', price: '330', currency: 'JPY' },
  4: { title: 'Oud', price: '1.005', currency: 'KWD' },
};

/** Puts the products, as the merchant's backend does. */
export async function stock(server) {
  const merchant = native(server);
  for (const [id, product] of Object.entries(PRODUCTS)) await merchant.ask('PUT', `/products/${id}`, product);
}

/** The published client; `auth` as its documents have it. */
export function client(server, auth = {}) {
  return oneentry.defineOneEntry(server.url, {
    token: server.merchant.test.publishableKey,
    langCode: 'en_US',
    validation: { enabled: true, strictMode: true, logErrors: false },
    auth,
  });
}

/** What somebody signs up with. */
export function newcomer(login = `${randomUUID()}@example.com`) {
  return {
    formIdentifier: 'reg',
    authData: [
      { marker: 'login', value: login },
      { marker: 'password', value: 'open sesame' },
    ],
    formData: [{ marker: 'last_name', type: 'string', value: 'Doe' }],
    notificationData: { email: login, phonePush: ['+99999999999'], phoneSMS: '+99999999999' },
  };
}

/** Somebody who has just signed up and in. */
export async function signedIn(server, extra = {}) {
  let saved;
  const shop = client(server, { saveFunction: (token) => (saved = token) });
  const { authData, ...rest } = newcomer();
  const user = good(await shop.AuthProvider.signUp('email', { authData, ...rest, ...extra }));
  const tokens = good(await shop.AuthProvider.auth('email', { authData }));
  return { ...shop, shop, user, tokens, authData, saved: () => saved };
}

/** The answer, which is none of the client's errors: neither the server's nor that of its own schemas. */
export function good(answer) {
  const wrong = answer instanceof Error || (answer && typeof answer === 'object' && 'statusCode' in answer);
  assert.ok(!wrong, answer instanceof Error ? answer.stack : JSON.stringify(answer));
  return answer;
}

/** The status of an answer that is an error in OneEntry's form. */
export function refused(answer) {
  assert.equal(typeof answer?.statusCode, 'number', JSON.stringify(answer));
  assert.equal(typeof answer.message, 'string');
  assert.equal(answer.pageData, null);
  assert.ok(Date.parse(answer.timestamp) > 0);
  return answer.statusCode;
}

/** What an order says. */
export function basket(products = [{ productId: 1, quantity: 2 }], extra = {}) {
  return {
    formIdentifier: 'tickets-form',
    paymentAccountIdentifier: 'sandbox',
    formData: [{ marker: 'name', type: 'string', value: 'Doe' }],
    products,
    ...extra,
  };
}

/** Reads an address as raw JSON: the client's schemas strip fields that the document has. */
export async function raw(server, accessToken, path) {
  const answer = await fetch(`${server.url}/api/content${path}`, {
    headers: { 'x-app-token': server.merchant.test.publishableKey, authorization: `Bearer ${accessToken}` },
  });
  assert.equal(answer.status, 200, path);
  return answer.json();
}
