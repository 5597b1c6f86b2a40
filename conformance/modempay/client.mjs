// The vendor's published client, unmodified, pointed at our server.

import assert from 'node:assert/strict';
import ModemPay from 'modem-pay';

// The client says on the console that it tries again; we count the tries ourselves.
process.env.RETRY_LOGGING = 'false';

/**
 * The client with the merchant's test key.
 *
 * @param {{url: string, merchant: object}} server
 * @param {{maxRetries?: number, timeout?: number}} [config] the client's own
 */
export function modempay({ url, merchant }, config) {
  const client = new ModemPay(merchant.test.secret, config);
  // Each resource has an address of its own, and the constructor takes none.
  for (const resource of [client.sessions, client.transactions]) resource.apiURL = url;
  return client;
}

/** What the client throws, as it shows it: its message is `{statusCode, message}` in JSON. */
export async function thrown(call) {
  try {
    await call;
  } catch (error) {
    assert.equal(error.name, 'ModemPayError');
    const { statusCode, message } = JSON.parse(error.message);
    assert.equal(error.statusCode, statusCode);
    return { statusCode, message };
  }
  assert.fail('the call was to be refused');
}

/** A payer's request to the address of a session's link. */
export function payer(session, act, body) {
  return fetch(`${session.payment_link}/${act}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
    body: JSON.stringify(body),
  });
}

/** A card that pays. */
export const CARD = { number: '4242424242424242', expMonth: 12, expYear: 2040, cvc: '123', name: 'A. Payer' };

/** Pays a session by card, without a browser; answers with what the payer is told. */
export async function pay(session, more = {}) {
  const answer = await payer(session, 'payments', { method: 'card', card: CARD, ...more });
  const told = await answer.json();
  assert.ok(answer.ok, JSON.stringify(told));
  return told;
}
