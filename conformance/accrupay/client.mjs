// The vendor's published client against a server of ours, and the payer's side of it.

import assert from 'node:assert/strict';
import { AccruPay } from '@accrupay/node';

/** The published client, with the merchant's test key. */
export const client = ({ url, merchant }, secret = merchant.test.secret, more = {}) =>
  new AccruPay({ apiSecret: secret, url: `${url}/graphql`, ...more });

/** What the published client cannot say: plain GraphQL with the merchant's test key. */
export async function raw({ url, merchant }, query, variables = {}, headers = { 'accrupay-api-secret': merchant.test.secret }) {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** The same, where it must succeed. */
export async function ask(server, query, variables) {
  const { data, errors } = await raw(server, query, variables);
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

/** The error that a call of the published client ends in. */
export async function refused(call) {
  const error = await call.then(
    (value) => assert.fail(`it was not refused: ${JSON.stringify(value)}`),
    (fault) => fault,
  );
  assert.equal(error.graphQLErrors?.length, 1, String(error));
  return error.graphQLErrors[0];
}

/** Pays as the payer's browser does, with what the session's payload says. */
export async function pay(session, number = CARDS.good) {
  const answer = await fetch(`${session.payload.payUrl}/payments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ method: 'card', card: { number, expMonth: 12, expYear: 2040, cvc: '123', name: 'Jane Smith' } }),
  });
  return { status: answer.status, body: await answer.json() };
}

export const CARDS = {
  good: '4242424242424242',
  declined: '4000000000009995',
  fails: '4000000000000119',
  challenged: '4000000000003220',
  unknown: '4000000000005126',
  storesOnly: '4000000000000341',
};

/** The bill of the vendor's documentation. */
export const billing = {
  billingFirstName: 'Jane',
  billingLastName: 'Smith',
  billingEmail: 'jane@example.com',
  billingAddressCountry: 'US',
  billingPhone: '+12125550100',
  billingAddressState: 'US-NY',
  billingAddressCity: 'New York',
  billingAddressLine1: '123 Main St',
  billingAddressPostalCode: '10001',
};

/** The documented payment. */
export const payment = (code, more = {}) => ({
  merchantInternalTransactionCode: code,
  amount: 10000n,
  currency: 'USD',
  storePaymentMethod: false,
  billing,
  customer: { merchantInternalCustomerCode: 'customer-4421' },
  ...more,
});

/** The documented storing of a card. */
export const storing = (code, more = {}) => ({
  merchantInternalTransactionCode: code,
  currency: 'USD',
  billing: { billingFirstName: 'Jane', billingLastName: 'Smith', billingEmail: 'jane@example.com', billingAddressCountry: 'US' },
  customer: { merchantInternalCustomerCode: 'customer-4421' },
  ...more,
});

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
