// Takes the pictures of the payer's page that the README and docs show: `node conformance/pictures.mjs`, with the
// server built.

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startBrowser } from './lib/browser.mjs';
import { xanpay } from './lib/api.mjs';
import { paid, payAtTestBank, payByCard, payWith, qrCode, testBank } from './lib/page.mjs';
import { startServer } from './lib/server.mjs';
import { request } from './xanpay/documented.mjs';

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
const ends = [];
const here = { after: (end) => ends.unshift(end) };

try {
  await mkdir(folder, { recursive: true });
  const server = await startServer(here);
  const browser = await startBrowser(here);
  const open = async () => {
    const session = await xanpay(server).ask('POST', '/sessions/', { ...JSON.parse(request), notifyUrl: undefined });
    return `${server.url}/?sessionId=${session.id}&isSandbox=true`;
  };
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({
      colorScheme,
      deviceScaleFactor: 2,
      locale: 'en',
      viewport: { width: 420, height: 860 },
    });
    const page = await context.newPage();
    const shoot = (name) => page.screenshot({ path: `${folder}page-${name}${colorScheme === 'dark' ? '-dark' : ''}.png` });
    await page.goto(await open());
    await shoot('open');
    await payWith(page, 'paynow');
    await qrCode(page).waitFor();
    await shoot('qr');
    const bank = await context.newPage();
    await bank.goto(new URL(await testBank(page).getAttribute('href'), page.url()).href);
    await payAtTestBank(bank);
    await paid(page).waitFor();
    await shoot('paid');
    await page.goto(await open());
    await payByCard(page, { number: '4000 0000 0000 0002' });
    await page.getByRole('alert').first().waitFor();
    await shoot('declined');
    await context.close();
  }
} finally {
  for (const end of ends) await end();
}
