// Real money: a merchant's own PayNow account in live mode, from the page to the bank's report of what came in.

import assert from 'node:assert/strict';
import test from 'node:test';
import { parse } from 'promptparse';
import { native } from '../lib/api.mjs';
import { openTab, scan, startBrowser } from '../lib/browser.mjs';
import { methods, paid, payWith, qrCode, testBank } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';

const UEN = '201403121W';

const server = await startServer(test, { serve: ['--no-sandbox'] });
const merchant = native(server, 'live');
const browser = await startBrowser(test);

await merchant.ask('POST', '/providerAccounts', {
  provider: 'BANK',
  name: 'Our bank',
  receives: [
    { method: 'paynow', account: UEN, accountName: 'Tea House Pte Ltd' },
    { method: 'hk-bank-transfer', account: '012-345-678901234', accountName: 'Tea House (HK) Ltd', bank: 'Bank of Tea' },
  ],
});

const feed = await merchant.ask('POST', '/keys', { scopes: ['bank'] });

/** What the merchant's bank says came in. */
async function report(payment, bankTransactionId, amount) {
  const answer = await fetch(`${server.url}/api/v1/bankTransfers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${feed.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      bankTransactionId,
      account: UEN,
      amount,
      currency: 'SGD',
      reference: `PAYNOW ${payment.destination.nonce} TEA`,
      receivedAt: payment.createdAt,
    }),
  });
  assert.equal(answer.status, 201, await answer.text());
}

const firstPayment = async ({ id }) => (await merchant.ask('GET', `/sessions/${id}`)).transactions[0];

for (const javaScriptEnabled of [true, false]) {
  test(`a live payer scans the merchant's own code and is told when the money came, script: ${javaScriptEnabled}`, async (t) => {
    const session = await merchant.ask('POST', '/sessions', { amount: 3500, currency: 'SGD', title: 'Tea' });
    assert.equal(session.livemode, true);
    const page = await openTab(t, browser, { javaScriptEnabled });
    await page.goto(session.url);
    assert.equal(await methods(page).count(), 1);
    await payWith(page, 'paynow');
    await qrCode(page).waitFor();
    assert.equal(await testBank(page).count(), 0, 'no sandbox takes real money');

    const payment = await firstPayment(session);
    const text = await scan(qrCode(page));
    const code = parse(text, true);
    assert.ok(code, `the code or its checksum is wrong: ${text}`);
    const value = (tag, sub) => code.getTagValue(tag, sub);
    assert.deepEqual(
      [value('26', '00'), value('26', '01'), value('26', '02'), value('54'), value('59'), value('62', '01')],
      ['SG.PAYNOW', '2', UEN, '35.00', 'Tea House Pte Ltd', payment.destination.nonce],
    );

    const show = async (what) => {
      if (!javaScriptEnabled) await page.goto(session.url);
      await what.waitFor();
    };
    await report(payment, `part ${session.id}`, 1000);
    await show(page.getByText(/25\.00/).first());
    const rest = parse(await scan(qrCode(page)), true);
    assert.deepEqual([rest.getTagValue('54'), rest.getTagValue('62', '01')], ['25.00', payment.destination.nonce]);
    await report(payment, `rest ${session.id}`, 2500);
    await show(paid(page));
    assert.equal((await merchant.ask('GET', `/sessions/${session.id}`)).status, 'completed');

    const refund = `/transactions/${payment.id}/refund`;
    const refused = await merchant.send('POST', refund, {});
    assert.deepEqual([refused.status, refused.body.code], [422, 'refund_at_bank']);
    const recorded = await merchant.ask('POST', refund, { amount: 500, providerReference: `out ${session.id}` });
    assert.equal(recorded.status, 'succeeded');
  });
}
