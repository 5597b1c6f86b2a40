// The hosted page as a payer uses it: the only file that knows how it is marked up.

/** Chooses a method, by its name on the wire. */
export async function chooseMethod(page, method) {
  const choice = page.locator(`[name="method"][value="${method}"]`);
  await choice.waitFor();
  if ((await choice.getAttribute('type')) === 'radio') {
    await choice.check();
    await page.getByRole('button', { name: /continue|pay/i }).click();
  } else {
    await choice.click();
  }
}

/** The picture of the code to pay. */
export const qrCode = (page) => page.getByRole('img', { name: /qr/i });

/** In test mode: the link to the sandbox's bank. */
export const sandboxBank = (page) => page.getByRole('link', { name: /sandbox/i });

/** Pays at the sandbox's bank when it is open in `page`. */
export const pressPay = (page) => page.getByRole('button', { name: /^pay/i }).click();

/** Fills the card form and sends it. */
export async function payByCard(page, { number, expMonth = '12', expYear = '2040', cvc = '123', name = 'A. Payer' }) {
  const card = { number, expMonth, expYear, cvc, name };
  for (const [field, value] of Object.entries(card)) {
    await page.locator(`[name="card.${field}"]`).fill(value);
  }
  await page.getByRole('button', { name: /^pay/i }).click();
}

/** What says that the session is paid. */
export const paid = (page) => page.getByRole('heading', { name: /paid|payment (complete|received|successful)/i });

/** What says that the card was declined. */
export const declined = (page) => page.getByRole('alert').filter({ hasText: /declined/i });

/** What says that there is no such session. */
export const notFound = (page) => page.getByRole('heading', { name: /not found/i });

/** The link back to the merchant. */
export const backLink = (page) => page.getByRole('link', { name: /back|return|continue/i });
