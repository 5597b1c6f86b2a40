// The hosted page as a payer uses it: the only file that knows how it is marked up and worded.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Chooses a method, by its name on the wire, and sends the form. */
export async function payWith(page, method) {
  await choose(page, method);
  await send(page);
}

/** Chooses the card, fills it in and sends the form. */
export async function payByCard(page, { number, expiry = '12/40', cvc = '123', name = 'A. Payer' }) {
  await choose(page, 'card');
  await page.getByLabel('Card number').fill(number);
  await page.getByLabel(/^Expir/).fill(expiry);
  await page.getByLabel(/^(CVC|Security code)/).fill(cvc);
  await page.getByLabel(/^Name/).fill(name);
  await send(page);
}

const choose = (page, method) => page.locator(`input[name="method"][value="${method}"]`).check();
const send = (page) => page.getByRole('button', { name: /^Pay( |$)/ }).click();

/** The ways to pay that the page offers. */
export const methods = (page) => page.getByRole('radio');

/** The picture of the code to pay. */
export const qrCode = (page) => page.getByRole('img', { name: /^QR code/ });

/** In test mode: the link to a bank that pays what a code asks for. */
export const testBank = (page) => page.getByRole('link', { name: 'Pay with the test bank' });

/** Pays what is asked for, when the test bank is open in `page`. */
export const payAtTestBank = (page) => page.getByRole('button', { name: 'Pay this' }).click();

/** One of the details of a bank transfer, as it is shown. */
export const bankDetail = (page, text) => page.locator('.copies').getByText(text);

/** Says yes at the test wallet or the test bank's own check. */
export const approve = (page) => page.getByRole('button', { name: /^(Approve|Confirm)/ }).click();

/** What says that the session is paid. */
export const paid = (page) => page.getByRole('heading', { name: 'Payment successful' });

/** What says why a card was not taken. */
export const notice = (page, text) => page.getByRole('alert').filter({ hasText: text });

/** What says that there is no such session. */
export const notFound = (page) => page.getByRole('heading', { name: 'We cannot find this payment' });

/** The link back to the merchant. */
export const backLink = (page) => page.getByRole('link', { name: /^Back to / });

/** The choice of a method, by its name on the wire, in any language. */
export const methodInput = (page, method) => page.locator(`input[name="method"][value="${method}"]`);

/** Fills in the card, in any language. */
export async function cardForm(page, number) {
  await methodInput(page, 'card').check();
  await page.locator('input[name="card.number"]').fill(number);
  await page.locator('input[name="card.expiry"]').fill('12/40');
  await page.locator('input[name="card.cvc"]').fill('123');
}

/** Sends the form, in any language. */
export const submitPayment = (page) => page.locator('form.pay button[type="submit"]').click();

/** Nothing of the page is wider than its screen. */
export async function fits(page, where) {
  const { wide, screen } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    screen: document.documentElement.clientWidth,
  }));
  assert.ok(wide <= screen, `${where}: the page is ${wide} px wide on a screen of ${screen} px`);
}

/**
 * An independent checker finds nothing against the page: WCAG 2.2 A and AA, and good practice.
 *
 * The checker is itself a script. What a browser without JavaScript shows is therefore looked at in another one, that
 * is given the same document without its script.
 */
export async function accessible(page, where, { javaScriptEnabled = true, inspector } = {}) {
  if (!javaScriptEnabled) {
    const body = (await page.content()).replace(/<script\b[^>]*><\/script>/g, '');
    await inspector.setViewportSize(page.viewportSize());
    await inspector.route(page.url(), (route) => route.fulfill({ body, contentType: 'text/html; charset=utf-8' }));
    await inspector.goto(page.url());
    await inspector.unrouteAll();
    return accessible(inspector, where);
  }
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document));
  const faults = ({ nodes }) => nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join('; ');
  const found = violations.map((violation) => `${violation.id}: ${faults(violation)}`);
  assert.deepEqual(found, [], where);
  assert.ok(passes.length > 10, `${where}: the checker looked at nothing`);
}

/** A field of the form, by its label. */
export const field = (page, label) => page.getByLabel(label, { exact: true });

/** What says what is wrong with the form. */
export const mistakes = (page) => page.getByRole('alert');

/** The way to give up. */
export const cancel = (page) => page.getByRole('button', { name: 'Cancel payment' });

/** What says that the payer gave up. */
export const cancelled = (page) => page.getByRole('heading', { name: 'Payment cancelled' });

/** What says, in some words, that there is nothing left to pay here. */
export const unavailable = (page, words) => page.getByRole('main').getByText(words);
