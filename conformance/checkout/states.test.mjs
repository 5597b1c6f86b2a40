// The payer's page while there is something left to do: every state, looked at from all sides (`lib/walks.mjs`).

import assert from 'node:assert/strict';
import test from 'node:test';
import { startBrowser } from '../lib/browser.mjs';
import { cardForm, submitPayment } from '../lib/page.mjs';
import { DECLINED, LOST, SECURE, card, keeping, payers } from '../lib/payer.mjs';
import { startServer } from '../lib/server.mjs';
import { walkThrough } from '../lib/walks.mjs';

const server = await startServer(test);
const browser = await startBrowser(test);
const { merchant, open, pay, started, state, bankPays, until } = payers(server);

walkThrough(browser, {
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
  'no card left, and no other way': {
    link: async () => {
      const session = await open({ methods: ['card'] });
      for (let tries = 0; tries < 10; tries += 1) await pay(session, card(DECLINED));
      return session.url;
    },
    see: '.mark.warn',
  },
  'the code has run out': {
    link: async () => {
      const session = await started({ method: 'paynow' });
      await merchant.ask('POST', '/test/clock/advance', { seconds: 3601 });
      return session.url;
    },
    see: '[role="alert"]',
  },
  'money for a code that has run out': {
    link: async () => {
      const session = await started({ method: 'paynow' });
      const { nextAction } = await state(session);
      await merchant.ask('POST', '/test/clock/advance', { seconds: 3601 });
      await bankPays({ nextAction });
      await until(session, async () => (await (await fetch(session.url)).text()).includes('S$35.00 has arrived'));
      return session.url;
    },
    see: '.notice',
  },
  'a foreign method': { link: async () => (await open({ methods: ['paynow', 'duit-now', 'fps'] })).url, see: '.method bdi' },
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
  'a card to keep': { link: async () => (await open(keeping)).url, see: '.card-form' },
  'the test bank': {
    link: async () => {
      const session = await started({ method: 'paynow' });
      const { nextAction } = await state(session);
      return `${session.url.replace(/\/pay\/.*/, '')}/sandbox/bank?${new URLSearchParams({ qrCode: nextAction.qrCode })}`;
    },
    see: 'button',
    english: true,
  },
});
