// Where a server under test keeps its data: in a file of its own or, beside a PostgreSQL server, in a database of its own.

import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterwards } from './after.mjs';
import { environment, paydesk } from './program.mjs';

const run = promisify(execFile);
/** As `with-postgres` says it: `postgres://user@host:port`. Nothing where the embedded store is tested. */
const postgres = process.env.PAYDESK_TEST_POSTGRES_URL;

/**
 * An empty database for the tests of `t`.
 *
 * @returns {Promise<{store: string[], serve: string[]}>} what every command is told of it, and what `paydesk serve` is
 * told besides
 */
export async function freshDatabase(t, directory) {
  const file = join(directory, 'paydesk.db');
  if (!postgres) return { store: ['--database', `sqlite:${file}`], serve: [] };

  const name = `conformance_${randomUUID().replaceAll('-', '')}`;
  await run('psql', ['-X', '-q', '-c', `CREATE DATABASE ${name}`, `${postgres}/postgres?sslmode=disable`]);
  const store = ['--database', `${postgres}/${name}?sslmode=disable`, '--key-file', `${file}.keys`];
  await run(paydesk, ['migrate', ...store], { env: environment });
  return { store, serve: ['--sandbox-url', await startSandbox(t, directory)] };
}

/** The sandbox's ledger, which is a process of its own where nodes share a database. */
async function startSandbox(t, directory) {
  const child = spawn(paydesk, ['sandbox', '--listen', '127.0.0.1:0', '--data', join(directory, 'sandbox.db')], {
    env: environment,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  afterwards(t, async () => {
    killAtExit();
    process.off('exit', killAtExit);
  });
  for await (const line of createInterface({ input: child.stderr })) {
    const found = /The sandbox's ledger is at (http:\S+)/.exec(line);
    if (found) {
      // Nobody may have to wait for what it says later.
      child.stderr.resume();
      return found[1];
    }
  }
  throw new Error('the sandbox ended before it was ready');
}
