// Sessions in whatever state a payer may find them: opened by a merchant, and brought there by the payer's own API.

import assert from 'node:assert/strict';
import { native } from './api.mjs';

export const GOOD = '4242424242424242';
export const DECLINED = '4000000000000002';
export const LOST = '4000000000005126';
export const SECURE = '4000000000003220';

/** What is opened, unless a test says otherwise. */
export const order = {
  kind: 'payment',
  amount: 3500,
  currency: 'SGD',
  title: 'iPhone case',
  lineItems: [{ name: 'iPhone case, clear', quantity: 1, amount: 3500 }],
  successUrl: 'http://127.0.0.1:9/thanks',
  cancelUrl: 'http://127.0.0.1:9/basket',
};

/** A session that only stores a card. */
export const keeping = { kind: 'addPaymentMethod', amount: undefined, lineItems: undefined };

/** The body of a payment by card. */
export const card = (number) => ({
  method: 'card',
  card: { number, expMonth: 12, expYear: 2040, cvc: '123', name: 'A. Payer' },
});

const json = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };

/** A merchant's sessions on a server, and what their payers do. */
export function payers(server) {
  const merchant = native(server);

  const open = (more = {}) => merchant.ask('POST', '/sessions', { ...order, ...more });

  /** Pays as the page's script would; the answer. */
  async function pay(session, body) {
    const answer = await fetch(`${session.url}/payments`, { method: 'POST', headers: json, body: JSON.stringify(body) });
    return answer.json();
  }

  /** A session whose payer has sent this. */
  async function started(body, more) {
    const session = await open(more);
    await pay(session, body);
    return session;
  }

  /** What the payer's API says of a session. */
  const state = async (session) => (await fetch(`${session.url}/state`)).json();

  /** The payer's bank sends money for a session's code: exactly what is asked for, or this much. */
  async function bankPays(session, amount) {
    const { qrCode } = session.nextAction ?? (await state(session)).nextAction;
    const answer = await fetch(`${server.url}/sandbox/bank/transfers`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ qrCode, ...(amount ? { amount } : {}) }),
    });
    assert.ok(answer.ok, await answer.text());
  }

  /** Waits until the payer's API says so: money arrives on its own time. */
  async function until(session, holds) {
    for (let tries = 0; tries < 600; tries += 1) {
      if (await holds(await state(session))) return session;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return assert.fail('the session never came to the state');
  }

  /** Waits until it is paid. */
  const completed = (session) => until(session, ({ status }) => status === 'completed');

  return { merchant, open, pay, started, state, bankPays, until, completed };
}
