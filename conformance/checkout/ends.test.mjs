// The payer's page when there is nothing left to do: every end, and every trouble on the way, looked at from all sides
// (`lib/walks.mjs`).

import test from 'node:test';
import { startBrowser } from '../lib/browser.mjs';
import { GOOD, card, keeping, payers } from '../lib/payer.mjs';
import { startServer } from '../lib/server.mjs';
import { walkThrough } from '../lib/walks.mjs';

const server = await startServer(test);
const browser = await startBrowser(test);
const { merchant, open, pay, started, state, bankPays, until, completed } = payers(server);

/** One that lets nobody ask more than a few times. */
const busy = await startServer(test, { serve: ['--page-rate', '1'] });
/** One whose database is going to be in a bad way. */
const broken = await startServer(test, { mayFail: true });
const { url: brokenLink } = await payers(broken).open();

walkThrough(browser, {
  paid: {
    link: async () => (await completed(await started(card(GOOD)))).url,
    see: '.receipt',
  },
  'paid too much': {
    link: async () => {
      const session = await started({ method: 'paynow' });
      await bankPays(session, '50.00');
      return (await completed(session)).url;
    },
    see: '.receipt',
  },
  'paid by card, and a part by code before': {
    link: async () => {
      const session = await started({ method: 'paynow' });
      await bankPays(session, '10.00');
      await until(session, async () => (await (await fetch(session.url)).text()).includes('S$10.00 has arrived'));
      await pay(session, card(GOOD));
      return (await completed(session)).url;
    },
    see: '.notice',
  },
  'late, and accepted': {
    link: async () => {
      const session = await started({ method: 'paynow' });
      const { nextAction } = await state(session);
      await merchant.ask('POST', `/sessions/${session.id}/expire`);
      await bankPays({ nextAction });
      const late = async () => {
        const { transactions } = await merchant.ask('GET', `/sessions/${session.id}`);
        return transactions.find(({ exception }) => exception);
      };
      await until(session, late);
      await merchant.ask('POST', `/transactions/${(await late()).id}/accept`);
      return session.url;
    },
    see: '.receipt',
  },
  'already used': {
    link: async () => {
      const session = await completed(await started(card(GOOD)));
      await merchant.ask('POST', '/test/clock/advance', { seconds: 601 });
      return session.url;
    },
    see: '.mark.calm',
  },
  held: {
    link: async () => (await completed(await started(card(GOOD), { kind: 'authorization' }))).url,
    see: '.receipt',
  },
  'a card is kept': {
    link: async () => (await completed(await started(card(GOOD), keeping))).url,
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
  'too late': {
    link: async () => {
      const session = await started({ method: 'paynow' });
      const { nextAction } = await state(session);
      await merchant.ask('POST', `/sessions/${session.id}/expire`);
      await bankPays({ nextAction });
      await until(session, async () => (await (await fetch(session.url)).text()).includes('S$35.00 has arrived'));
      return session.url;
    },
    see: '.notice',
  },
  'not accepted': {
    link: async () => (await open()).url,
    // A page of somebody else's posts our form.
    act: async (page) => {
      const target = new URL(page.url());
      target.pathname += '/payments';
      const form = `<form method="post" action="${target.href}"><button>Win a prize</button></form>`;
      await page.goto(`data:text/html,${encodeURIComponent(form)}`);
      await page.getByRole('button').click();
    },
    see: '.ended h1',
  },
  'too many requests': {
    link: async () => {
      const { url } = await payers(busy).open();
      return url;
    },
    act: async (page) => {
      // One more is let in each second, and a page may take longer than that: somebody else asks all the time.
      let over = false;
      const somebody = (async () => {
        while (!over) await (await fetch(page.url())).text();
      })();
      for (let status = 200; status !== 429; status = (await page.reload()).status());
      over = true;
      await somebody;
    },
    see: '.ended h1',
  },
  'server trouble': {
    link: async () => {
      // What is there can no longer be read.
      await broken.execute("UPDATE merchants SET doc = '{}'");
      return brokenLink;
    },
    see: '.ended h1',
  },
  'not found': { link: async () => `${server.url}/pay/${'A'.repeat(80)}`, see: '.ended h1' },
});
