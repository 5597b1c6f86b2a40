// The guides of docs/guides, run as they stand.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import test from 'node:test';
import { promisify } from 'node:util';
import { startServer } from '../lib/server.mjs';

const folder = new URL('../../docs/guides/', import.meta.url);
const server = await startServer(test);
const { test: testKey, live: liveKey } = server.merchant;
const env = { ...process.env, PAYDESK_URL: server.url, PAYDESK_SECRET: testKey.secret, PAYDESK_LIVE_SECRET: liveKey.secret };

for (const name of (await readdir(folder)).filter((file) => file !== 'README.md')) {
  test(`${name} does what it says`, async () => {
    const text = await readFile(new URL(name, folder), 'utf8');
    const steps = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, step]) => step);
    assert.ok(steps.length > 0, 'there is nothing to run');
    const script = ['set -euo pipefail', ...steps].join('\n');
    await promisify(execFile)('bash', ['-c', script], { env, timeout: 60_000 });
  });
}
