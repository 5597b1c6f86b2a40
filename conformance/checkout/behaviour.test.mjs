// What the payer's page does beside being looked at: it counts down, copies, saves, prints, speaks, finds out; with the
// keyboard, with large letters, in the payer's language and time.

import assert from 'node:assert/strict';
import test from 'node:test';
import jsQR from 'jsqr';
import { PNG } from 'pngjs';
import { openTab, startBrowser } from '../lib/browser.mjs';
import {
  TOLD_WITHIN_MS,
  accessible,
  announced,
  cardForm,
  copyButton,
  fits,
  methodInput,
  paid,
  saveCode,
  sendFromTestBank,
  staying,
  submitPayment,
  testBank,
} from '../lib/page.mjs';
import { GOOD, payers } from '../lib/payer.mjs';
import { isOurs } from '../lib/program.mjs';
import { startServer } from '../lib/server.mjs';

const server = await startServer(test);
const browser = await startBrowser(test);
const { merchant, open, started, bankPays, state } = payers(server);

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const by = (method) => ({ method });

const read = ({ id }) => merchant.ask('GET', `/sessions/${id}`);
const destination = async (session) => (await read(session)).transactions[0].destination;

/** Waits until it holds; what it last was, if it never does. */
async function eventually(look, holds, ms = 60_000) {
  const until = Date.now() + ms;
  let seen = await look();
  while (!holds(seen) && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen = await look();
  }
  return seen;
}

test('the time left is counted down, second by second', async (t) => {
  const session = await started(by('paynow'));
  const page = await openTab(t, browser);
  await page.goto(session.url);
  const timer = page.getByRole('timer');
  await timer.waitFor();
  const seconds = async () => {
    const [, minutes, rest] = /^(\d+):(\d\d)$/.exec(await timer.textContent());
    return Number(minutes) * 60 + Number(rest);
  };
  const first = await seconds();
  const { nextAction } = await state(session);
  const really = (new Date(nextAction.expiresAt) - Date.now()) / 1000;
  assert.ok(Math.abs(first - really) < 30, `${first} s are shown, ${really} s are left`);
  const later = await eventually(seconds, (now) => now <= first - 2);
  assert.ok(later <= first - 2, `${first} s, and then ${later} s`);
});

test('the time left is that of the merchant’s own test time', async (t) => {
  await merchant.ask('POST', '/test/clock/advance', { seconds: 3 * 24 * 3600 });
  const session = await started(by('paynow'));
  const page = await openTab(t, browser);
  await page.goto(session.url);
  await page.getByRole('timer').waitFor();
  assert.match(await page.getByRole('timer').textContent(), /^(59:\d\d|1:00:00)$/, 'an hour, and not three days');
});

test('account, amount and reference are copied as a bank takes them, and it is said', async (t) => {
  const session = await started(by('au-bank-transfer'), { currency: 'AUD', amount: 123_450 });
  const { account, nonce } = await destination(session);
  const page = await openTab(t, browser, { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.goto(session.url);
  for (const [what, text] of [
    ['Amount', '1234.50'],
    ['Account', account],
    ['Reference', nonce],
  ]) {
    await copyButton(page, what).click();
    await announced(page, 'Copied').waitFor({ state: 'attached' });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text, what);
  }
});

for (const javaScriptEnabled of [true, false]) {
  const way = javaScriptEnabled ? 'with' : 'without';

  test(`${way} JavaScript a code is saved on the phone that pays it, and is the same code`, async (t) => {
    const session = await started(by('paynow'));
    const { qrCode } = await destination(session);
    const page = await openTab(t, browser, { ...phone, javaScriptEnabled, acceptDownloads: true });
    await page.goto(session.url);
    const [download] = await Promise.all([page.waitForEvent('download'), saveCode(page).click()]);
    assert.equal(download.suggestedFilename(), 'payment-code.png');
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    const { data, width, height } = PNG.sync.read(Buffer.concat(chunks));
    assert.equal(jsQR(new Uint8ClampedArray(data), width, height)?.data, qrCode);
  });
}

test('where the phone can share, the code goes to the bank’s app by its own sheet', async (t) => {
  const session = await started(by('paynow'));
  const page = await openTab(t, browser, phone);
  await page.addInitScript(() => {
    navigator.canShare = () => true;
    navigator.share = async ({ files: [file] }) => {
      globalThis.shared = { name: file.name, type: file.type, size: file.size };
    };
  });
  await page.goto(session.url);
  await saveCode(page).click();
  const shared = await eventually(() => page.evaluate(() => globalThis.shared), Boolean);
  assert.ok(shared.size > 100);
  assert.deepEqual({ name: shared.name, type: shared.type }, { name: 'payment-code.png', type: 'image/png' });
});

test('on a desktop nobody is told to save a code on this phone', async (t) => {
  const session = await started(by('paynow'));
  const page = await openTab(t, browser, { viewport: { width: 1280, height: 800 } });
  await page.goto(session.url);
  await page.getByRole('timer').waitFor();
  assert.equal(await saveCode(page).isVisible(), false);
});

test('a receipt prints on one page, black on white, without what only a screen needs', async (t) => {
  const session = await open({ methods: ['card'], successUrl: 'http://127.0.0.1:9/thanks' });
  const page = await openTab(t, browser, { colorScheme: 'dark' });
  await page.goto(session.url);
  await cardForm(page, GOOD);
  await submitPayment(page);
  await paid(page).waitFor();
  await staying(page);
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  for (const shown of ['Payment successful', 'S$35.00', 'Conformance', 'Payment number', 'Test mode']) {
    assert.ok(await page.getByText(shown).first().isVisible(), `${shown} is printed`);
  }
  for (const role of ['button', 'link']) {
    for (const one of await page.getByRole(role).all()) {
      assert.equal(await one.isVisible(), false, `${await one.textContent()} is not printed`);
    }
  }
  assert.equal(await page.locator('.foot').isVisible(), false, 'the foot of the page is not printed');
  const { ink, ground } = await page.evaluate(() => ({
    ink: getComputedStyle(document.querySelector('.receipt dd')).color,
    ground: getComputedStyle(document.body).backgroundColor,
  }));
  assert.deepEqual({ ink, ground }, { ink: 'rgb(0, 0, 0)', ground: 'rgb(255, 255, 255)' });
  const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
  assert.equal(pdf.match(/\/Type\s*\/Page\b/g).length, 1, 'pages');
});

/** Screens that have most in them, each by its address. */
const full = {
  'the choice': async () =>
    (
      await open({
        methods: ['card', 'paynow'],
        customer: { email: 'a.very.long.address.of.somebody@department.example.com', phone: '+65 81234567' },
        customFields: [{ name: 'size', label: 'T-shirt size', required: true }],
      })
    ).url,
  'a code': async () => (await started(by('paynow'))).url,
  'bank details': async () => (await started(by('in-bank-transfer'), { currency: 'INR', amount: 999_999_999_99 })).url,
};

for (const [what, link] of Object.entries(full)) {
  for (const lang of ['en', 'ar', 'fr']) {
    test(`${what} (${lang}) can be read with letters of twice the size, on the narrowest phone too`, async (t) => {
      const url = `${await link()}?lang=${lang}`;
      for (const width of [320, 640, 1280]) {
        const page = await openTab(t, browser, { viewport: { width, height: 800 } });
        await page.goto(url);
        await page.evaluate(() => {
          document.documentElement.style.fontSize = '200%';
        });
        await fits(page, `${what}, ${width} px`);
        const cut = await page.evaluate(() =>
          [...document.querySelectorAll('main *')]
            .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === 'hidden')
            .filter((one) => !one.closest('.unseen') && !one.matches('.unseen, legend'))
            .map((one) => one.outerHTML.slice(0, 80)),
        );
        assert.deepEqual(cut, [], `${what}, ${width} px: cut off`);
      }
    });
  }
}

for (const lang of ['en', 'ar']) {
  test(`the Tab key (${lang}) goes down the page in the order in which it is read`, async (t) => {
    const page = await openTab(t, browser, { viewport: { width: 390, height: 844 } });
    await page.goto(`${await full['the choice']()}?lang=${lang}`);
    const stops = [];
    for (let steps = 0; steps < 40; steps += 1) {
      await page.keyboard.press('Tab');
      const stop = await page.evaluate(() => {
        const one = document.activeElement;
        if (!one || one === document.body) return undefined;
        const { top, height } = one.getBoundingClientRect();
        const { outlineStyle, boxShadow } = getComputedStyle(one.closest('.method > label') ?? one);
        return { name: one.name || one.textContent.trim(), middle: top + scrollY + height / 2, seen: outlineStyle !== 'none' || boxShadow !== 'none' };
      });
      if (!stop || stops.some(({ name, middle }) => name === stop.name && middle === stop.middle)) break;
      stops.push(stop);
    }
    assert.ok(stops.length >= 8, `stops: ${stops.map(({ name }) => name).join(', ')}`);
    for (const [at, { name, middle, seen }] of stops.entries()) {
      assert.ok(seen, `it is seen that ${name} has the focus`);
      // Two fields of one row are side by side.
      if (at > 0) assert.ok(middle >= stops[at - 1].middle - 24, `${name} is above ${stops[at - 1].name}`);
    }
  });
}

test('what becomes of the payment is spoken, and the keyboard goes on there', async (t) => {
  const session = await started(by('paynow'));
  const page = await openTab(t, browser);
  await page.goto(session.url);
  await testBank(page).focus();
  await bankPays(session);
  await paid(page).waitFor();
  await announced(page, 'Payment successful').waitFor({ state: 'attached' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  assert.equal(await page.title(), 'Payment successful');
});

test('mistakes are spoken, and the keyboard is at the first', async (t) => {
  const session = await open({ methods: ['card'] });
  const page = await openTab(t, browser);
  await page.goto(session.url);
  await submitPayment(page);
  const alert = page.getByRole('alert');
  await alert.waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.name), 'card.number');
  await alert.getByRole('link', { name: /^Expiry date: / }).click();
  assert.equal(await page.evaluate(() => document.activeElement.name), 'card.expiry');
});

test('an open page is told that time alone has ended its session', async (t) => {
  const session = await open();
  const page = await openTab(t, browser);
  await page.goto(session.url);
  await page.locator('form.pay').waitFor();
  const begun = Date.now();
  await merchant.ask('POST', '/test/clock/advance', { seconds: 8 * 24 * 3600 });
  await page.getByRole('heading', { name: 'This payment link has expired' }).waitFor();
  const took = Date.now() - begun;
  t.diagnostic(`after ${took} ms`);
  assert.ok(took < TOLD_WITHIN_MS, `${took} ms`);
});

test('the language is the link’s, else the session’s, else the browser’s; times are the payer’s own', async (t) => {
  const [korean, plain] = [await started(by('paynow'), { locale: 'ko' }), await started(by('paynow'))];
  const page = await openTab(t, browser, { locale: 'th-TH', timezoneId: 'Asia/Bangkok' });
  const lang = () => page.locator('html').getAttribute('lang');
  await page.goto(`${korean.url}?lang=es`);
  assert.equal(await lang(), 'es');
  await page.goto(korean.url);
  assert.equal(await lang(), 'ko');
  await page.goto(plain.url);
  assert.equal(await lang(), 'th');
  const time = page.locator('time[data-local]').first();
  const shown = await time.textContent();
  const expected = await time.evaluate((one) =>
    new Intl.DateTimeFormat('th', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Bangkok' }).format(new Date(one.dateTime)),
  );
  assert.equal(shown, expected);
  const silent = await openTab(t, browser, { locale: 'th-TH', javaScriptEnabled: false });
  await silent.goto(plain.url);
  assert.match(await silent.locator('time[data-local]').first().textContent(), /UTC$/, 'the server does not know where the payer is');
});

for (const [who, written] of [
  ['forgets the reference', ''],
  ['mistypes the reference', 'NOBODYKNOW'],
]) {
  test(`a payer who ${who} is found by the merchant, and the page says that it is paid`, async (t) => {
    const session = await started(by('hk-bank-transfer'), { currency: 'HKD', amount: 10_000 });
    // Another that waits for as much on the same account: without a reference, it could be either.
    await started(by('hk-bank-transfer'), { currency: 'HKD', amount: 10_000 });
    const page = await openTab(t, browser);
    await page.goto(session.url);
    const bank = await page.context().newPage();
    await bank.goto(await testBank(page).evaluate((link) => link.href));
    await sendFromTestBank(bank, { reference: written });
    await bank.waitForLoadState();
    assert.equal((await read(session)).status, 'processing', 'nobody guesses whose money it is');
    const { data } = await merchant.ask('GET', '/bankTransfers?state=unmatched');
    const kept = data.find(({ reference }) => (reference ?? '') === written);
    assert.equal(kept.amount, 10_000);
    await merchant.ask('POST', `/bankTransfers/${kept.id}/assign`, { transactionId: (await read(session)).transactions[0].id });
    await paid(page).waitFor();
    assert.equal((await read(session)).status, 'completed');
    const left = await merchant.ask('GET', '/bankTransfers?state=unmatched');
    assert.ok(!left.data.some(({ id }) => id === kept.id), 'it is matched now');
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
  const session = await started(by('paynow'));
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
  test(`an open page is told that its session ${how}`, async (t) => {
    const session = await started(by('paynow'));
    const page = await openTab(t, browser);
    await page.goto(session.url);
    await page.locator('.qr svg').waitFor();
    const begun = Date.now();
    await end(session);
    await page.locator('.done').waitFor();
    const took = Date.now() - begun;
    t.diagnostic(`after ${took} ms`);
    assert.ok(took < TOLD_WITHIN_MS, `${took} ms`);
  });
}
