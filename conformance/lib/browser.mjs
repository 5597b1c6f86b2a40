// Chromium that can reach this machine and nothing else.

import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import jsQR from 'jsqr';
import { chromium } from 'playwright-core';
import { PNG } from 'pngjs';
import { afterwards } from './after.mjs';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // No name and no address but loopback resolves, for pages and for the browser's own services.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/** Starts a browser, with a new empty profile, for the tests of `t`. */
export async function startBrowser(t) {
  const browser = await chromium.launch({ executablePath: program(), headless: true, args: FLAGS });
  afterwards(t, () => browser.close());
  return browser;
}

/**
 * Opens a tab of its own for one test. After the test it must have asked nothing of any other machine, and shown no
 * script error and no violation of the page's own security policy.
 *
 * @param {import('node:test').TestContext} t
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
export async function openTab(t, browser, { javaScriptEnabled = true, ...more } = {}) {
  const context = await browser.newContext({ javaScriptEnabled, deviceScaleFactor: 2, locale: 'en', ...more });
  context.setDefaultTimeout(60_000);
  const elsewhere = [];
  const faults = [];
  context.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    const here = ['data:', 'blob:', 'about:'].includes(protocol) || ['127.0.0.1', 'localhost'].includes(hostname);
    if (!here) elsewhere.push(request.url());
  });
  context.on('weberror', (error) => faults.push(String(error.error())));
  context.on('console', (message) => {
    if (/Content[- ]Security[- ]Policy/i.test(message.text())) faults.push(message.text());
  });
  afterwards(t, async () => {
    await context.close();
    assert.deepEqual(elsewhere, [], 'requests to other machines');
    assert.deepEqual(faults, [], 'faults on the page');
  });
  return context.newPage();
}

/** What a camera would read in the picture of `locator`. */
export async function scan(locator) {
  const { data, width, height } = PNG.sync.read(await locator.screenshot());
  const code = jsQR(new Uint8ClampedArray(data), width, height);
  assert.ok(code, 'no QR code can be read in its picture');
  return code.data;
}

function program() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const directory of (process.env.PATH ?? '').split(delimiter)) {
      try {
        accessSync(join(directory, name), constants.X_OK);
        return join(directory, name);
      } catch {
        // Not in this directory.
      }
    }
  }
  throw new Error('no Chromium: install it, or say where it is with CHROMIUM');
}
