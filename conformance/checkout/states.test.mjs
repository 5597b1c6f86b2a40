// Every state of the payer's page: on a phone and on a desktop, with and without JavaScript, left to right and right
// to left. Each must be free of what a checker of accessibility finds, fit its screen, and be of one heading.

import assert from 'node:assert/strict';
import test from 'node:test';
import { native } from '../lib/api.mjs';
import { openTab, startBrowser } from '../lib/browser.mjs';
import { accessible, cardForm, fits, methodInput, submitPayment } from '../lib/page.mjs';
import { isOurs } from '../lib/program.mjs';
import { startServer } from '../lib/server.mjs';

const server = await startServer(test);
const merchant = native(server);
const browser = await startBrowser(test);

const base = {
  kind: 'payment',
  amount: 3500,
  currency: 'SGD',
  title: 'iPhone case',
  lineItems: [{ name: 'iPhone case, clear', quantity: 1, amount: 3500 }],
  successUrl: 'http://127.0.0.1:9/thanks',
  cancelUrl: 'http://127.0.0.1:9/basket',
};
const DECLINED = '4000000000000002';
const LOST = '4000000000005126';
const SECURE = '4000000000003220';
const GOOD = '4242424242424242';

const open = (more = {}) => merchant.ask('POST', '/sessions', { ...base, ...more });

/** Pays as the page's script would. */
async function pay(session, body) {
  const answer = await fetch(`${session.url}/payments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
    body: JSON.stringify(body),
  });
  return answer.json();
}
const card = (number) => ({ method: 'card', card: { number, expMonth: 12, expYear: 2040, cvc: '123', name: 'A. Payer' } });
const started = async (body, more) => {
  const session = await open(more);
  await pay(session, body);
  return session;
};
const bankPays = async (session, amount) => {
  const state = await (await fetch(`${session.url}/state`)).json();
  const { qrCode } = state.nextAction;
  const answer = await fetch(`${server.url}/sandbox/bank/transfers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ qrCode, ...(amount ? { amount } : {}) }),
  });
  assert.ok(answer.ok, await answer.text());
};
/** Waits until the payer's API says so: money arrives on its own time. */
async function until(session, holds) {
  for (let tries = 0; tries < 100; tries += 1) {
    const state = await (await fetch(`${session.url}/state`)).json();
    if (holds(state)) return session;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return assert.fail('the session never came to the state');
}

/**
 * By name: how a session comes into the state (`link`, an address to be opened), what the payer does then (`act`), and
 * what must be there (`see`).
 */
const states = {
  open: { link: async () => (await open()).url, see: 'input[name="method"]' },
  'chosen amount and questions': {
    link: async () =>
      (
        await open({
          amount: undefined,
          lineItems: undefined,
          minAmount: 500,
          methods: ['card'],
          customFields: [
            { name: 'size', label: 'T-shirt size', required: true },
            { name: 'note', label: 'Note', required: false },
          ],
        })
      ).url,
    see: 'input[name="amount"]',
  },
  'mistakes in the form': {
    link: async () => (await open({ methods: ['card'] })).url,
    act: (page) => submitPayment(page),
    see: '[aria-invalid="true"]',
  },
  declined: {
    link: async () => (await open({ methods: ['card'] })).url,
    act: async (page) => {
      await cardForm(page, DECLINED);
      await submitPayment(page);
    },
    see: '[role="alert"]',
  },
  'too many attempts': {
    link: async () => {
      const session = await open();
      for (let tries = 0; tries < 10; tries += 1) await pay(session, card(DECLINED));
      return session.url;
    },
    see: '.notice',
  },
  'code to scan': { link: async () => (await started({ method: 'paynow' })).url, see: '.qr svg' },
  'part of it is paid': {
    link: async () => {
      const session = await started({ method: 'paynow' });
      await bankPays(session, '20.00');
      await until(session, () => true);
      return session.url;
    },
    see: '.qr svg',
  },
  'bank details': {
    link: async () => (await started({ method: 'au-bank-transfer' }, { currency: 'AUD' })).url,
    see: '.copies',
  },
  'off to a wallet': {
    link: async () => (await started({ method: 'gojek-id' }, { currency: 'IDR', amount: 3_500_000 })).url,
    see: '.leave-row',
  },
  'off to 3-D Secure': { link: async () => (await started(card(SECURE))).url, see: '.leave-row' },
  'the challenge itself': {
    link: async () => {
      const { nextAction } = await pay(await open(), card(SECURE));
      assert.equal(nextAction.type, 'threeDS');
      return nextAction.url;
    },
    see: 'form button',
    english: true,
  },
  confirming: { link: async () => (await started(card(LOST))).url, see: '.waiting-screen, .done' },
  paid: {
    link: async () => (await until(await started(card(GOOD)), (state) => state.status === 'completed')).url,
    see: '.receipt',
  },
  cancelled: {
    link: async () => {
      const session = await open();
      await merchant.ask('POST', `/sessions/${session.id}/cancel`);
      return session.url;
    },
    see: '.done',
  },
  expired: {
    link: async () => {
      const session = await open();
      await merchant.ask('POST', `/sessions/${session.id}/expire`);
      return session.url;
    },
    see: '.done',
  },
  'not found': { link: async () => `${server.url}/pay/${'A'.repeat(80)}`, see: '.ended h1' },
  'the test bank': {
    link: async () => {
      const session = await started({ method: 'paynow' });
      const { nextAction } = await (await fetch(`${session.url}/state`)).json();
      return `${session.url.replace(/\/pay\/.*/, '')}/sandbox/bank?${new URLSearchParams({ qrCode: nextAction.qrCode })}`;
    },
    see: 'button',
    english: true,
  },
};

const phone = { width: 320, height: 640 };
const desktop = { width: 1280, height: 800 };
/** Each two of these meet in one of the four: screen and language, language and script, script and screen. */
const walks = [
  { javaScriptEnabled: true, viewport: phone, lang: 'en', colorScheme: 'light' },
  { javaScriptEnabled: true, viewport: desktop, lang: 'ar', colorScheme: 'dark' },
  { javaScriptEnabled: false, viewport: desktop, lang: 'en', colorScheme: 'dark' },
  { javaScriptEnabled: false, viewport: phone, lang: 'ar', colorScheme: 'light' },
];

for (const [name, { link, act, see, english }] of Object.entries(states)) {
  test(`“${name}” is fit for everybody, on every screen, in both directions`, async (t) => {
    const shared = act ? undefined : await link();
    if (shared && !english) await isOurs(shared);
    for (const { lang, ...tab } of walks) {
      const { javaScriptEnabled, viewport, colorScheme } = tab;
      const where = `${viewport.width} px, ${lang}, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`;
      const page = await openTab(t, browser, tab);
      const url = new URL(shared ?? (await link()));
      url.searchParams.set('lang', lang);
      await page.goto(url.href);
      if (act) await act(page);
      await page.locator(see).first().waitFor();
      const direction = lang === 'ar' && !english ? 'rtl' : 'ltr';
      assert.equal(await page.locator('html').getAttribute('dir'), direction, where);
      assert.equal(await page.locator('h1').count(), 1, `${where}: headings`);
      await fits(page, where);
      const inspector = javaScriptEnabled ? undefined : await openTab(t, browser, { colorScheme });
      await accessible(page, where, { javaScriptEnabled, inspector });
    }
  });
}

test('a card is paid with the keyboard alone', async (t) => {
  const session = await open({ methods: ['card', 'paynow'] });
  const page = await openTab(t, browser);
  await page.goto(session.url);
  const focused = () => page.evaluate(() => document.activeElement?.name ?? '');
  const tabTo = async (name) => {
    for (let steps = 0; steps < 20; steps += 1) {
      if ((await focused()) === name) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`the Tab key never comes to ${name}`);
  };
  await tabTo('method');
  await methodInput(page, 'card').waitFor();
  await page.keyboard.press('Space');
  for (const [name, text] of [
    ['card.number', GOOD],
    ['card.expiry', '1240'],
    ['card.cvc', '123'],
  ]) {
    await tabTo(name);
    await page.keyboard.type(text);
  }
  await page.keyboard.press('Enter');
  await page.locator('.receipt').waitFor();
});

test('nothing moves for whoever wants no motion', async (t) => {
  const session = await started({ method: 'paynow' });
  const page = await openTab(t, browser, { reducedMotion: 'reduce' });
  await page.goto(session.url);
  await page.locator('.qr svg').waitFor();
  const moving = await page.evaluate(
    () => document.getAnimations().filter((animation) => animation.playState === 'running').length,
  );
  assert.equal(moving, 0);
});

test('a shop’s own colour and logo are on its page, and the page can still be read', async (t) => {
  const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
  const set = (settings) => merchant.ask('PATCH', '/merchant', settings);
  t.after(() => set({ accentColour: null, logo: null }));
  for (const accentColour of ['#ffd400', '#111111', '#ff0066']) {
    await set({ accentColour, logo: `data:image/png;base64,${pixel}` });
    const { url } = await open();
    await isOurs(url);
    for (const colorScheme of ['light', 'dark']) {
      const page = await openTab(t, browser, { colorScheme });
      await page.goto(url);
      await accessible(page, `${accentColour}, ${colorScheme}`);
      const drawn = await page.locator('.merchant img').evaluate((image) => image.naturalWidth);
      assert.equal(drawn, 1, 'the logo is drawn');
    }
  }
  for (const [field, wrong] of [
    ['logo', 'https://elsewhere.example/logo.png'],
    ['logo', `data:image/svg+xml;base64,${pixel}`],
    ['accentColour', 'red'],
  ]) {
    const refused = await merchant.send('PATCH', '/merchant', { [field]: wrong });
    assert.equal(refused.status, 400);
    assert.equal(refused.body.field, field);
  }
});

for (const [how, end] of [
  ['is paid', (session) => bankPays(session)],
  ['is expired', (session) => merchant.ask('POST', `/sessions/${session.id}/expire`)],
]) {
  test(`an open page finds out within 2 seconds that its session ${how}`, async (t) => {
    const session = await started({ method: 'paynow' });
    const page = await openTab(t, browser);
    await page.goto(session.url);
    await page.locator('.qr svg').waitFor();
    const begun = Date.now();
    await end(session);
    await page.locator('.done').waitFor();
    const took = Date.now() - begun;
    assert.ok(took < 2_000 + 1_000, `${took} ms, of which a loaded machine may take one second for itself`);
  });
}
