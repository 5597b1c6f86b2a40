// A payer pays by card in a browser: declined first, then with another card.

import assert from 'node:assert/strict';
import test from 'node:test';
import { native } from '../lib/api.mjs';
import { openTab, startBrowser } from '../lib/browser.mjs';
import { backLink, notice, paid, payByCard } from '../lib/page.mjs';
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
    await payByCard(page, { number: DECLINED });
    await notice(page, 'declined').waitFor();
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

  test(`${way} JavaScript a card that is not a test card is refused and spends nothing`, async (t) => {
    const session = await open();
    const page = await openTab(t, browser, { javaScriptEnabled });
    await page.goto(session.url);
    await payByCard(page, { number: '5555555555554444' });
    await notice(page, 'use a test card').waitFor();
    const { status, attempts } = await read(session);
    assert.deepEqual({ status, attempts }, { status: 'created', attempts: 0 });
  });
}

test('a card form sent from two tabs at once charges once, and both tabs say so', async (t) => {
  const session = await open();
  // Without JavaScript: with it, the second tab sees that the first has paid and has nothing left to press.
  const pages = [
    await openTab(t, browser, { javaScriptEnabled: false }),
    await openTab(t, browser, { javaScriptEnabled: false }),
  ];
  for (const page of pages) await page.goto(session.url);
  await Promise.all(pages.map((page) => payByCard(page, { number: GOOD })));
  for (const page of pages) {
    // The one that came second may have met the first under way.
    await page.goto(session.url);
    await paid(page).waitFor();
  }
  const { status, transactions } = await read(session);
  assert.equal(status, 'completed');
  assert.equal(transactions.filter((transaction) => transaction.status === 'succeeded').length, 1);
});
