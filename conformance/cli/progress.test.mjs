// Commands that may take long show on a terminal how far they are, and keep quiet in a script.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { native } from '../lib/api.mjs';
import { environment, paydesk, python } from '../lib/program.mjs';
import { startServer } from '../lib/server.mjs';

const server = await startServer(test);
const merchant = native(server);
const terminal = fileURLToPath(new URL('./in_terminal.py', import.meta.url));

const onTerminal = (...args) => promisify(execFile)(python, [terminal, paydesk, ...args], { env: environment });
const inScript = (...args) => promisify(execFile)(paydesk, args, { env: environment });

/** A bar of blocks, full or in part. */
const BAR = /[█▉▊▋▌▍▎▏]/u;

test('an export', async () => {
  for (let n = 0; n < 3; n += 1) await merchant.ask('POST', '/sessions', { amount: 3500, currency: 'SGD' });
  const file = join(server.directory, 'sessions.jsonl');
  const args = ['export', 'sessions', '--test', '--format', 'jsonl', '--output', file, ...server.store];
  const { stderr } = await onTerminal(...args);
  assert.match(stderr, BAR);
  assert.match(stderr, /3 of 3, .*left/);
  assert.match(stderr, /3 rows written/);
  assert.equal((await readFile(file, 'utf8')).trim().split('\n').length, 3);
  assert.equal((await inScript(...args)).stderr, '3 rows written.\n');
});

test('a prune', async () => {
  const args = ['prune', '--older-than', '30d', '--dry-run', ...server.store];
  const { stderr, stdout } = await onTerminal(...args);
  assert.match(stderr, BAR);
  assert.match(stderr, /100 % .* test .*0 removed/);
  assert.match(stdout, /0 {2}sessions/);
  assert.deepEqual(await inScript(...args), { stderr: '', stdout });
});
