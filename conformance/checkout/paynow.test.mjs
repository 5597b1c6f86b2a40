// A payer pays by PayNow in a browser: from the merchant's link to the merchant's notification.

import assert from 'node:assert/strict';
import test from 'node:test';
import { parse } from 'promptparse';
import { xanpay } from '../lib/api.mjs';
import { openTab, scan, startBrowser } from '../lib/browser.mjs';
import { backLink, methods, notFound, paid, payAtTestBank, payWith, qrCode, testBank } from '../lib/page.mjs';
import { startReceiver, verified } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';
import { TIME, charge as documented, request } from '../xanpay/documented.mjs';

const server = await startServer(test);
const merchant = xanpay(server);
const shop = await startReceiver(test);
const browser = await startBrowser(test);

/** Opens the documented session, for a merchant that is on this machine. */
function open(order) {
  return merchant.ask('POST', '/sessions/', {
    ...JSON.parse(request),
    redirectUrl: `${shop.url}/thanks?order=${order}`,
    notifyUrl: `${shop.url}/notify/${order}`,
  });
}

const link = ({ id }) => `${server.url}/?sessionId=${id}&isSandbox=true`;
const status = async ({ id }) => (await merchant.ask('GET', `/sessions/${id}`)).status;
const chargeOf = ({ id }) => merchant.ask('GET', `/sessions/${id}/charge`);

/** What a bank's app understands of the code, by a parser and a checksum that are not ours. */
function read(code) {
  const emv = parse(code, true);
  assert.ok(emv, `the code or its checksum is wrong: ${code}`);
  return (tag, sub) => emv.getTagValue(tag, sub);
}

/** `YYYYMMDDHHMMSS` in Singapore, as a time. */
function singapore(text) {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
  const [year, month, day, hour, minute, second] = parts.map(Number);
  return Date.UTC(year, month - 1, day, hour - 8, minute, second);
}

function checkCode(code, charge) {
  const value = read(code);
  assert.equal(value('00'), '01');
  assert.equal(value('01'), '12', 'for one payment');
  assert.equal(value('26', '00'), 'SG.PAYNOW');
  assert.equal(value('26', '02'), charge.destination.account);
  assert.equal(value('26', '03'), '0', 'the amount cannot be edited');
  assert.equal(value('53'), '702');
  assert.equal(Number(value('54')), 35);
  assert.equal(value('58'), 'SG');
  assert.equal(value('62', '01'), charge.destination.nonce);
  const left = singapore(value('26', '04')) - Date.now();
  assert.ok(left > 0 && left <= 3_600_000, `the code expires in ${left} ms`);
}

/** Every field of the documented charge, with what differs from one payment to the next checked by its form. */
function checkCharge(charge, session, state) {
  const { id, customer, destination, createdAt, updatedAt, ...rest } = charge;
  assert.deepEqual(Object.keys(charge).sort(), Object.keys(documented).sort());
  assert.deepEqual(rest, {
    refunds: [],
    orders: documented.orders,
    merchantAmount: 35,
    merchantCurrency: 'SGD',
    method: 'paynow',
    customerAmount: 35,
    customerCurrency: 'SGD',
    status: state,
    notifyUrl: session.notifyUrl,
    notifyPayload: documented.notifyPayload,
    sessionId: session.id,
  });
  assert.deepEqual({ ...customer, id: '' }, { ...documented.customer, id: '' });
  assert.ok(id && customer.id);
  assert.deepEqual(Object.keys(destination).sort(), Object.keys(documented.destination).sort());
  for (const field of ['account', 'nonce', 'qrCode', 'accountName']) assert.ok(destination[field], field);
  assert.match(createdAt, TIME);
  assert.match(updatedAt, TIME);
}

async function checkNotification(session, order) {
  const [delivery] = await shop.exactly(1, `/notify/${order}`);
  assert.equal(delivery.method, 'POST');
  const notification = verified(delivery, server.merchant.test.webhookSecret);
  checkCharge(notification, session, 'completed');
  assert.equal(notification.notifyPayload, documented.notifyPayload);
  assert.deepEqual(notification, await chargeOf(session));

  const forged = { ...delivery, body: Buffer.from(delivery.body.toString().replace('"SGD"', '"USD"')) };
  assert.throws(() => verified(forged, server.merchant.test.webhookSecret), 'the signature covers the body');
}

async function checkWayBack(page, order) {
  await backLink(page).click();
  await page.waitForURL(`${shop.url}/thanks?order=${order}`);
}

/** From the link to the code on the screen; returns the charge. */
async function showCode(page, session) {
  await page.goto(link(session));
  assert.equal(await status(session), 'created', 'opening the link uses nothing up');
  await payWith(page, 'paynow');
  await qrCode(page).waitFor();
  assert.equal(await status(session), 'charged');
  const charge = await chargeOf(session);
  checkCharge(charge, session, 'pending');
  const code = await scan(qrCode(page));
  assert.equal(code, charge.destination.qrCode);
  checkCode(code, charge);
  return charge;
}

test('with JavaScript the page shows by itself that the bank has paid', async (t) => {
  const order = 'script';
  const session = await open(order);
  const page = await openTab(t, browser);
  const { id } = await showCode(page, session);

  const bank = await page.context().newPage();
  await bank.goto(await testBank(page).evaluate((anchor) => anchor.href));
  await payAtTestBank(bank);
  await paid(page).waitFor();

  assert.equal(await status(session), 'charged');
  assert.equal((await chargeOf(session)).id, id);
  await checkWayBack(page, order);
  await checkNotification(session, order);
});

test('without JavaScript the same walk works with links, forms and reloading', async (t) => {
  const order = 'plain';
  const session = await open(order);
  const page = await openTab(t, browser, { javaScriptEnabled: false });
  const { id } = await showCode(page, session);

  const bank = await page.context().newPage();
  await bank.goto(new URL(await testBank(page).getAttribute('href'), page.url()).href);
  await payAtTestBank(bank);
  await bank.waitForLoadState();
  await page.goto(link(session));
  await paid(page).waitFor();

  assert.equal((await chargeOf(session)).id, id);
  await checkWayBack(page, order);
  await checkNotification(session, order);
});

test('a paid session offers nothing more to pay', async (t) => {
  const session = await open('again');
  const page = await openTab(t, browser);
  await showCode(page, session);
  await testBank(page).click();
  await payAtTestBank(page);
  await page.goto(link(session));
  await paid(page).waitFor();
  assert.equal(await methods(page).count(), 0);
  await shop.exactly(1, '/notify/again');
});

test('without its mode in the link there is no session', async (t) => {
  const session = await open('mode');
  const page = await openTab(t, browser);
  await page.goto(`${server.url}/?sessionId=${session.id}`);
  await notFound(page).waitFor();
});
