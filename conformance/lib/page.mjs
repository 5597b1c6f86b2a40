// The hosted page as a payer uses it: the only file that knows how it is marked up and worded.

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
const send = (page) => page.getByRole('button', { name: /^Pay / }).click();

/** The ways to pay that the page offers. */
export const methods = (page) => page.getByRole('radio');

/** The picture of the code to pay. */
export const qrCode = (page) => page.getByRole('img', { name: /^QR code/ });

/** In test mode: the link to a bank that pays what a code asks for. */
export const testBank = (page) => page.getByRole('link', { name: 'Pay with the test bank' });

/** Pays what is asked for, when the test bank is open in `page`. */
export const payAtTestBank = (page) => page.getByRole('button', { name: 'Pay this' }).click();

/** What says that the session is paid. */
export const paid = (page) => page.getByRole('heading', { name: 'Payment successful' });

/** What says why a card was not taken. */
export const notice = (page, text) => page.getByRole('alert').filter({ hasText: text });

/** What says that there is no such session. */
export const notFound = (page) => page.getByRole('heading', { name: 'We cannot find this payment' });

/** The link back to the merchant. */
export const backLink = (page) => page.getByRole('link', { name: /^Back to / });
