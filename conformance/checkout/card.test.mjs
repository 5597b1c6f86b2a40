// A payer pays by card in a browser: declined first, then with another card.

import assert from 'node:assert/strict';
import test from 'node:test';
import { native } from '../lib/api.mjs';
import { openTab, startBrowser } from '../lib/browser.mjs';
import { backLink, chooseMethod, declined, paid, payByCard } from '../lib/page.mjs';
import { startReceiver } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';

const server = await startServer(test);
const merchant = native(server);
const shop = await startReceiver(test);
const browser = await startBrowser(test);

const DECLINED = '4000000000000002';
const GOOD = '4242424242424242';

function open() {
  return merchant.ask('POST', '/sessions', {
    kind: 'payment',
    amount: 3500,
    currency: 'SGD',
    title: 'iPhone case',
    methods: ['card', 'paynow'],
    successUrl: `${shop.url}/thanks`,
  });
}

const read = ({ id }) => merchant.ask('GET', `/sessions/${id}`);

for (const javaScriptEnabled of [true, false]) {
  const way = javaScriptEnabled ? 'with' : 'without';

  test(`${way} JavaScript a declined card can be followed by a good one`, async (t) => {
    const session = await open();
    const page = await openTab(t, browser, { javaScriptEnabled });
    await page.goto(session.url);
    await chooseMethod(page, 'card');
    await payByCard(page, { number: DECLINED });
    await declined(page).waitFor();
    assert.equal((await read(session)).status, 'initiated', 'a declined card leaves the session open');

    await payByCard(page, { number: GOOD });
    await paid(page).waitFor();
    const { status, attempts, transactions } = await read(session);
    assert.equal(status, 'completed');
    assert.equal(attempts, 2);
    assert.deepEqual(transactions.map((transaction) => transaction.status).sort(), ['declined', 'succeeded']);
    for (const transaction of transactions) {
      assert.ok(!JSON.stringify(transaction).includes(GOOD), 'a card number was kept');
    }

    await backLink(page).click();
    await page.waitForURL(`${shop.url}/thanks`);
  });

  test(`${way} JavaScript a card that is not a test card is refused and no attempt is spent`, async (t) => {
    const session = await open();
    const page = await openTab(t, browser, { javaScriptEnabled });
    await page.goto(session.url);
    await chooseMethod(page, 'card');
    await payByCard(page, { number: '5555555555554444' });
    await page.getByRole('alert').filter({ hasText: /test card/i }).waitFor();
    const { status, attempts } = await read(session);
    assert.equal(status, 'initiated');
    assert.equal(attempts, 0);
  });
}

test('a card form sent twice charges once', async (t) => {
  const session = await open();
  const pages = [await openTab(t, browser), await openTab(t, browser)];
  for (const page of pages) await page.goto(session.url);
  for (const page of pages) await chooseMethod(page, 'card');
  await Promise.all(pages.map((page) => payByCard(page, { number: GOOD })));
  await Promise.all(pages.map((page) => paid(page).waitFor()));
  const { status, transactions } = await read(session);
  assert.equal(status, 'completed');
  assert.equal(transactions.filter((transaction) => transaction.status === 'succeeded').length, 1);
});
