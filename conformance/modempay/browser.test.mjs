// Payers at the link that the published client answers with.

import assert from 'node:assert/strict';
import test from 'node:test';
import { native } from '../lib/api.mjs';
import { openTab, startBrowser } from '../lib/browser.mjs';
import {
  TOLD_WITHIN_MS,
  backLink,
  cancel,
  cancelled,
  field,
  methods,
  mistakes,
  notice,
  paid,
  payByCard,
  unavailable,
} from '../lib/page.mjs';
import { startReceiver } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';
import { CARD, modempay } from './client.mjs';

const server = await startServer(test);
const client = modempay(server);
const shop = await startReceiver(test);
const browser = await startBrowser(test);

const CARD_ON_PAGE = { number: CARD.number };

const paymentOf = async ({ id }) => {
  const { data } = await client.transactions.list({ search: id });
  return data.find(({ status }) => status === 'completed');
};

for (const javaScriptEnabled of [true, false]) {
  const way = javaScriptEnabled ? 'with' : 'without';

  test(`${way} JavaScript the payer chooses the amount and answers the questions`, async (t) => {
    const session = await client.sessions.create({
      title: 'Donation',
      min_amount: 100,
      custom_fields: ['Dedication', 'Street & number'],
      redirect_url: `${shop.url}/thanks`,
    });
    const page = await openTab(t, browser, { javaScriptEnabled });
    await page.goto(session.payment_link);
    await field(page, 'Amount').fill('99.99');
    await field(page, 'Dedication').fill('For Awa <3');
    await payByCard(page, CARD_ON_PAGE);
    await mistakes(page).first().waitFor();
    assert.equal((await client.sessions.retrieve(session.id)).status, 'active');
    assert.equal(await paymentOf(session), undefined, 'too little, and a question without an answer');

    await field(page, 'Amount').fill('450.50');
    await field(page, 'Street & number').fill('1 Kairaba Avenue');
    await payByCard(page, CARD_ON_PAGE);
    await paid(page).waitFor();
    const transaction = await paymentOf(session);
    assert.equal(transaction.amount, 450.5);
    assert.deepEqual(transaction.custom_fields_values, {
      Dedication: 'For Awa <3',
      'Street & number': '1 Kairaba Avenue',
    });
    await backLink(page).click();
    await page.waitForURL(`${shop.url}/thanks`);
  });

  test(`${way} JavaScript a payer who gives up is led back`, async (t) => {
    const session = await client.sessions.create({ amount: 450, cancel_url: `${shop.url}/cart` });
    const page = await openTab(t, browser, { javaScriptEnabled });
    await page.goto(session.payment_link);
    await cancel(page).click();
    await cancelled(page).waitFor();
    assert.equal((await client.sessions.retrieve(session.id)).status, 'cancelled');
    await backLink(page).click();
    await page.waitForURL(`${shop.url}/cart`);
  });
}

test('the page knows the customer, keeps the metadata to itself, and its time is the one that was set', async (t) => {
  const session = await client.sessions.create({
    amount: 450,
    expires_in: 60,
    customer: 'c-17',
    customer_name: 'Awa Jallow',
    customer_email: 'awa@example.com',
    customer_phone: '+2207000000',
    metadata: { margin: 'not-for-payers' },
  });
  const page = await openTab(t, browser);
  await page.goto(session.payment_link);
  await methods(page).first().waitFor();
  assert.doesNotMatch(await page.content(), /not-for-payers|margin/);
  await payByCard(page, { number: '4000000000000002' });
  await notice(page, 'declined').waitFor();
  const { data } = await client.transactions.list({ search: session.id });
  const [{ customer_name, customer_email, customer_phone, metadata, Customer }] = data;
  assert.deepEqual([customer_name, customer_email, customer_phone], ['Awa Jallow', 'awa@example.com', '+2207000000']);
  assert.deepEqual([metadata, Customer.id], [{ margin: 'not-for-payers' }, 'c-17']);

  await native(server).ask('POST', '/test/clock/advance', { seconds: 60 });
  await unavailable(page, 'no longer available').waitFor();
  assert.equal(await methods(page).count(), 0, 'no way to pay is left');
  assert.equal((await client.sessions.retrieve(session.id)).status, 'expired');
});

test('an open page is told that its session was expired', async (t) => {
  const session = await client.sessions.create({ amount: 450 });
  const page = await openTab(t, browser);
  await page.goto(session.payment_link);
  await page.getByRole('radio').first().waitFor();
  await client.sessions.expire(session.id);
  const at = Date.now();
  await unavailable(page, 'no longer available').waitFor();
  const took = Date.now() - at;
  t.diagnostic(`after ${took} ms`);
  assert.ok(took < TOLD_WITHIN_MS, `${took} ms`);
  assert.equal(await page.getByRole('radio').count(), 0, 'no way to pay is left');
});

test('a form sent after the session was expired pays nothing and says so', async (t) => {
  const session = await client.sessions.create({ amount: 450 });
  const page = await openTab(t, browser, { javaScriptEnabled: false });
  await page.goto(session.payment_link);
  await client.sessions.expire(session.id);
  await payByCard(page, CARD_ON_PAGE);
  await unavailable(page, 'no longer available').waitFor();
  assert.equal(await paymentOf(session), undefined);
});

for (const [language, words] of [
  ['en', 'no longer available'],
  ['fr', 'n’est plus disponible'],
  ['es', 'no está disponible'],
  ['zh-Hant', '連結已失效'],
]) {
  test(`an expired session says so in the payer's language: ${language}`, async (t) => {
    const session = await client.sessions.create({ amount: 450 });
    await client.sessions.expire(session.id);
    const page = await openTab(t, browser, { locale: language });
    await page.goto(session.payment_link);
    await unavailable(page, words).waitFor();
    assert.equal(await page.getByRole('radio').count(), 0);
    assert.equal(await page.locator('form').filter({ has: page.locator('[name="method"]') }).count(), 0);
  });
}
