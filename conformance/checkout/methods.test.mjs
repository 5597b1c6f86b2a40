// Every documented method but the card, from the merchant's request to the completed charge, in a browser.

import assert from 'node:assert/strict';
import test from 'node:test';
import { xanpay } from '../lib/api.mjs';
import { openTab, scan, startBrowser } from '../lib/browser.mjs';
import { approve, bankDetail, paid, payAtTestBank, payWith, qrCode, testBank } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';

const server = await startServer(test);
const merchant = xanpay(server);
const browser = await startBrowser(test);

/** By name: its currency, and how its payer pays. */
const methods = {
  paynow: ['SGD', 'code'],
  'prompt-pay': ['THB', 'code'],
  'duit-now': ['MYR', 'code'],
  fps: ['HKD', 'code'],
  instapay: ['PHP', 'transfer'],
  'hk-bank-transfer': ['HKD', 'transfer'],
  'in-bank-transfer': ['INR', 'transfer'],
  'id-bank-transfer': ['IDR', 'transfer'],
  'au-bank-transfer': ['AUD', 'transfer'],
  'nz-bank-transfer': ['NZD', 'transfer'],
  'viettel-pay': ['VND', 'wallet'],
  'gojek-id': ['IDR', 'wallet'],
  toss: ['KRW', 'wallet'],
};

/** What the payer does after choosing the method, up to the page that says that it is paid. */
const ways = {
  async code(page, charge) {
    assert.equal(await scan(qrCode(page)), (await charge()).destination.qrCode, 'what a camera reads');
    await testBank(page).click();
    await payAtTestBank(page);
  },
  async transfer(page, charge) {
    const { account, nonce } = (await charge()).destination;
    for (const shown of [account, nonce]) await bankDetail(page, shown).first().waitFor();
    await testBank(page).click();
    await payAtTestBank(page);
  },
  async wallet(page) {
    await approve(page);
  },
};

for (const [method, [currency, way]] of Object.entries(methods)) {
  test(`${method} is paid by ${way}`, async (t) => {
    const session = await merchant.ask('POST', '/sessions', { amount: '35000', currency, methods: [method] });
    assert.deepEqual(session.methods, [method]);
    const charge = () => merchant.ask('GET', `/sessions/${session.id}/charge`);
    const page = await openTab(t, browser);
    const link = `${server.url}/?sessionId=${session.id}&isSandbox=true`;
    await page.goto(link);
    await payWith(page, method);
    await page.waitForLoadState();
    await ways[way](page, charge);
    await page.goto(link);
    await paid(page).waitFor();
    const { status, method: by, customerAmount, customerCurrency } = await charge();
    assert.deepEqual({ status, by, customerAmount, customerCurrency }, {
      status: 'completed',
      by: method,
      customerAmount: 35000,
      customerCurrency: currency,
    });
  });
}
