// Looks at states of the payer's page: on a phone and on a desktop, with and without JavaScript, left to right and right
// to left. Each must be free of what a checker of accessibility finds, fit its screen, be of one heading, weigh little and
// come with the strict headers.

import assert from 'node:assert/strict';
import test from 'node:test';
import { openTab } from './browser.mjs';
import { accessible, fits, lightAndStrict, staying } from './page.mjs';
import { isOurs } from './program.mjs';

const phone = { width: 320, height: 640 };
const desktop = { width: 1280, height: 800 };
/** Each two of these meet in one of the four: screen and language, language and script, script and screen. */
const walks = [
  { javaScriptEnabled: true, viewport: phone, lang: 'en', colorScheme: 'light' },
  { javaScriptEnabled: true, viewport: desktop, lang: 'ar', colorScheme: 'dark' },
  { javaScriptEnabled: false, viewport: desktop, lang: 'en', colorScheme: 'dark' },
  { javaScriptEnabled: false, viewport: phone, lang: 'ar', colorScheme: 'light' },
];

/**
 * Makes a test of each state.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {Record<string, {link: () => Promise<string>, act?: (page: object) => Promise<void>, see: string, english?: boolean}>} states
 *   by name: how a session comes into the state (`link`, an address to be opened), what the payer does then (`act`), what
 *   must be there (`see`), and whether it is a page of the sandbox, which speaks `english` only
 */
export function walkThrough(browser, states) {
  const tabs = tabsFor(browser);
  for (const [name, state] of Object.entries(states)) {
    test(`“${name}” is fit for everybody, on every screen, in both directions`, () => walk(tabs, state));
  }
}

/** Gives each walk one tab for all states: a new one for each would take as long as all that is looked at. */
function tabsFor(browser) {
  const opened = new Map();
  return async (options) => {
    const key = JSON.stringify(options);
    if (!opened.has(key)) opened.set(key, await openTab(test, browser, options));
    return opened.get(key);
  };
}

async function walk(tabs, { link, act, see, english }) {
  const shared = act ? undefined : await link();
  if (shared && !english) await isOurs(shared);
  for (const { lang, ...tab } of walks) {
    const { javaScriptEnabled, viewport, colorScheme } = tab;
    const where = `${viewport.width} px, ${lang}, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`;
    const page = await tabs(tab);
    let document;
    const keep = (answer) => {
      if (answer.request().resourceType() === 'document' && answer.status() !== 303) document = answer;
    };
    page.on('response', keep);
    const url = new URL(shared ?? (await link()));
    url.searchParams.set('lang', lang);
    await page.goto(url.href);
    if (act) await act(page);
    await page.locator(see).first().waitFor();
    page.off('response', keep);
    const leave = await staying(page);
    await lightAndStrict(document, where);
    const direction = lang === 'ar' && !english ? 'rtl' : 'ltr';
    assert.equal(await page.locator('html').getAttribute('dir'), direction, where);
    assert.equal(await page.locator('h1').count(), 1, `${where}: headings`);
    await fits(page, where);
    const inspector = javaScriptEnabled ? undefined : await tabs({ colorScheme });
    await accessible(page, where, { javaScriptEnabled, inspector });
    // A page that nobody looks at any more would go on asking the server how things stand.
    await leave();
    await page.goto('about:blank');
  }
}
