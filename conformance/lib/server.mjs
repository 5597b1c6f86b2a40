// Starts the built server as an operator would, on free ports and an empty database, and ends it again.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterwards } from './after.mjs';
import { freshDatabase } from './database.mjs';
import { environment, paydesk } from './program.mjs';

const READY_WITHIN_MS = 120_000;
// Longer than the server's own patience with what is still being answered.
const STOP_WITHIN_MS = 60_000;

/**
 * Starts a server for the tests of `t` and stops it after them.
 *
 * Stopping is itself a test: the server must end cleanly and by itself, and must not have panicked, logged an error,
 * or written a secret or a card number into its log.
 *
 * @param {{after: (stop: () => Promise<void>) => void}} t a test context, or `node:test` itself
 * @param {{serve?: string[], mayFail?: boolean}} [options] more arguments for `paydesk serve`; whether it is a server that
 *   the test breaks, which may log faults
 */
export async function startServer(t, { serve = [], mayFail = false } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'paydesk-conformance-'));
  const database = await freshDatabase(t, directory, { sandbox: !serve.includes('--no-sandbox') });

  const created = await promisify(execFile)(
    paydesk,
    ['merchant', 'create', '--name', 'Conformance', '--json', ...database.store],
    { env: environment },
  );
  const merchant = JSON.parse(created.stdout);

  const child = spawn(
    paydesk,
    [
      ...['serve', '--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--allow-private-webhooks'],
      ...[...database.store, ...database.serve, ...serve],
    ],
    { env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text) => {
      log += text;
    });
  }
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  // Whatever happens to the test, the server does not outlive it.
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);

  afterwards(t, async () => {
    child.kill('SIGTERM');
    const end = await Promise.race([ended, sleep(STOP_WITHIN_MS, 'late', { ref: false })]);
    child.kill('SIGKILL');
    process.off('exit', killAtExit);
    await rm(directory, { recursive: true, force: true });
    assert.notEqual(end, 'late', `the server did not stop within ${STOP_WITHIN_MS} ms of SIGTERM:\n${tail(log)}`);
    assert.deepEqual(end, { code: 0, signal: null }, `the server did not end cleanly:\n${tail(log)}`);
    checkLog(log, merchant, mayFail);
  });

  const { url, adminUrl } = await ready(ended, () => log);
  return { directory, store: database.store, execute: database.execute, url, adminUrl, merchant, log: () => log };
}

/** Waits until the server has said where it is, and that it is ready. */
async function ready(ended, log) {
  const deadline = Date.now() + READY_WITHIN_MS;
  let end;
  ended.then((how) => {
    end = how;
  });
  while (Date.now() < deadline) {
    assert.equal(end, undefined, `the server ended before it was ready:\n${tail(log())}`);
    const said = /^.*"message":"serving".*(?=\n)/m.exec(log());
    if (said) {
      const { listen, admin } = JSON.parse(said[0]);
      const answer = await fetch(`http://${admin}/readyz`);
      if (answer.status === 200) return { url: `http://${listen}`, adminUrl: `http://${admin}` };
    }
    await sleep(20);
  }
  return assert.fail(`the server was not ready within ${READY_WITHIN_MS} ms:\n${tail(log())}`);
}

function checkLog(log, merchant, mayFail) {
  for (const line of log.split('\n')) {
    assert.doesNotMatch(line, /panicked at/, 'the server panicked');
    if (!mayFail) assert.doesNotMatch(line, /"level":"ERROR"| ERROR /, 'the server logged a fault');
    assert.doesNotMatch(line, /\b4242424242424242\b|\b4000000000000002\b/, 'a card number is in the log');
    for (const key of [merchant.test, merchant.live]) {
      for (const secret of [key.secret, key.webhookSecret]) {
        assert.ok(!line.includes(secret), 'a secret is in the log');
      }
    }
  }
}

function tail(log) {
  return log.split('\n').slice(-30).join('\n');
}
