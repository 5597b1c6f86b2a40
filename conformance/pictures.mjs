// Takes the pictures of the payer's page that the README and docs show: `node conformance/pictures.mjs`, with the
// server built.

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startBrowser } from './lib/browser.mjs';
import { cardForm, paid, payAtTestBank, payWith, qrCode, submitPayment, testBank } from './lib/page.mjs';
import { DECLINED, payers } from './lib/payer.mjs';
import { startServer } from './lib/server.mjs';

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
const ends = [];
const here = { after: (end) => ends.unshift(end) };

const order = {
  title: 'Order 58109',
  lineItems: [
    { name: 'Kaya jam, 250 g', quantity: 2, amount: 2500 },
    { name: 'Delivery', quantity: 1, amount: 1000 },
  ],
  methods: ['card', 'paynow'],
};
const phone = { width: 420, height: 860 };
const wide = { width: 1120, height: 720 };

try {
  await mkdir(folder, { recursive: true });
  const server = await startServer(here);
  const browser = await startBrowser(here);
  const { merchant, open } = payers(server);
  await merchant.ask('PATCH', '/merchant', { name: 'Kopi & Kaya' });
  const link = async (more = {}) => (await open({ ...order, ...more })).url;

  /** A tab of its own at this address; what is shot of it is of this name. */
  async function at(address, { viewport = phone, colorScheme = 'light' } = {}) {
    const context = await browser.newContext({ colorScheme, deviceScaleFactor: 2, locale: 'en', viewport });
    const page = await context.newPage();
    await page.goto(address);
    return { page, shoot: (name) => page.screenshot({ path: `${folder}page-${name}.png` }) };
  }

  const choice = await at(await link());
  await choice.shoot('open');
  await payWith(choice.page, 'paynow');
  await qrCode(choice.page).waitFor();
  await choice.shoot('qr');
  const bank = await at(new URL(await testBank(choice.page).getAttribute('href'), choice.page.url()).href);
  await payAtTestBank(bank.page);
  await paid(choice.page).waitFor();
  await choice.shoot('paid');

  const transfer = await at(await link({ currency: 'AUD', methods: ['au-bank-transfer'] }));
  await submitPayment(transfer.page);
  await transfer.page.getByRole('heading', { name: 'Transfer from your bank' }).waitFor();
  await transfer.shoot('transfer');

  const declined = await at(await link(), { colorScheme: 'dark' });
  await cardForm(declined.page, DECLINED);
  await submitPayment(declined.page);
  await declined.page.getByRole('alert').first().waitFor();
  await declined.shoot('declined-dark');

  await (await at(`${await link()}?lang=ar`)).shoot('arabic');
  await (await at(await link(), { viewport: wide })).shoot('wide');
} finally {
  for (const end of ends) await end();
}
