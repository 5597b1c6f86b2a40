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

/** Pays as a payer who writes something else as the reference, when the test bank is open in `page`. */
export async function sendFromTestBank(page, { reference }) {
  await page.getByLabel('Reference to write').fill(reference);
  await payAtTestBank(page);
}

/** The way to have the code on the phone that pays it. */
export const saveCode = (page) => page.getByRole('link', { name: 'Save code' });

/** The button that copies one of the details. */
export const copyButton = (page, what) => page.getByRole('button', { name: `Copy ${what}`, exact: true });

/** What a screen reader is told. */
export const announced = (page, text) => page.locator('#news').getByText(text);

/** One of the details of a bank transfer, as it is shown. */
export const bankDetail = (page, text) => page.locator('.copies').getByText(text);

/** Says yes at the test wallet or the test bank's own check. */
export const approve = (page) => page.getByRole('button', { name: /^(Approve|Confirm)/ }).click();

/** What says that the session is paid. */
export const paid = (page) => page.getByRole('heading', { name: 'Payment successful' });

/** What says why a card was not taken. */
export const notice = (page, text) => page.getByRole('alert').filter({ hasText: text });

/**
 * An open page shows within 2 seconds what has become of its session. One that is not told asks again after 25; a machine
 * that does ten other things may take some of what is between for itself.
 */
export const TOLD_WITHIN_MS = 12_000;

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

/** The most that a page and its style sheets and script may weigh, uncompressed. */
const HEAVIEST = 60 * 1024;

/**
 * The page that came with this answer is light, and the browser is told all that it must not do with it. Pictures of the
 * merchant's own are not ours to weigh.
 */
export async function lightAndStrict(answer, where) {
  const html = await answer.text();
  let bytes = Buffer.byteLength(html);
  const files = [...html.matchAll(/(?:href|src)="(\/[^"]+\.(?:css|js))"/g)].map(([, path]) => path);
  assert.ok(files.length >= 1, `${where}: style sheets and scripts are counted`);
  for (const path of files) {
    const file = await fetch(new URL(path, answer.url()));
    assert.equal(file.headers.get('cache-control'), 'public, max-age=31536000, immutable', path);
    bytes += (await file.arrayBuffer()).byteLength;
  }
  assert.ok(bytes <= HEAVIEST, `${where}: ${bytes} bytes`);
  const headers = answer.headers();
  const policy = headers['content-security-policy'] ?? '';
  assert.match(policy, /^default-src 'none'; .*frame-ancestors 'none'/, where);
  assert.doesNotMatch(policy, /unsafe/, where);
  for (const [name, value] of [
    ['cache-control', 'no-store'],
    ['referrer-policy', 'no-referrer'],
    ['x-content-type-options', 'nosniff'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
  ]) {
    assert.equal(headers[name], value, `${where}: ${name}`);
  }
  return bytes;
}

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
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const faults = ({ nodes }) => nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join('; ');
  const found = violations.map((violation) => `${violation.id}: ${faults(violation)}`);
  assert.deepEqual(found, [], where);
  assert.ok(passes.length > 10, `${where}: the checker looked at nothing`);
}

/** A field of the form, by its label. */
export const field = (page, label) => page.getByLabel(label, { exact: true });

/** What says what is wrong with the form. */
export const mistakes = (page) => page.getByRole('alert');

/**
 * Keeps what `page` shows, however long it is looked at: a receipt goes on to the shop after some seconds, and without
 * JavaScript a page that waits asks again. Answers how to let it go.
 */
export async function staying(page) {
  const stay = (route) => (route.request().isNavigationRequest() ? route.abort('aborted') : route.continue());
  await page.route('**/*', stay);
  return () => page.unroute('**/*', stay);
}

/** The way to give up. */
export const cancel = (page) => page.getByRole('button', { name: 'Cancel payment' });

/** What says that the payer gave up. */
export const cancelled = (page) => page.getByRole('heading', { name: 'Payment cancelled' });

/** What says, in some words, that there is nothing left to pay here. */
export const unavailable = (page, words) => page.getByRole('main').getByText(words);
