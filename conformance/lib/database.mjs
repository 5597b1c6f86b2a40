// Where a server under test keeps its data: in a file of its own or, beside a PostgreSQL server, in a database of its own.

import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterwards } from './after.mjs';
import { environment, paydesk, python } from './program.mjs';

const run = promisify(execFile);
/** As `with-postgres` says it: `postgres://user@host:port`. Nothing where the embedded store is tested. */
const postgres = process.env.PAYDESK_TEST_POSTGRES_URL;

/** Executes a statement on a file. */
const SQLITE = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database:
    database.execute(sys.argv[2])
`;

/**
 * An empty database for the tests of `t`, and the sandbox that nodes on it share, unless they are to have none.
 *
 * @returns {Promise<{store: string[], serve: string[], execute: (statement: string) => Promise<unknown>}>} what every
 * command is told of it, what `paydesk serve` is told besides, and what does something to it behind the server's back
 */
export async function freshDatabase(t, directory, { sandbox }) {
  const file = join(directory, 'paydesk.db');
  if (!postgres) {
    const execute = (statement) => run(python, ['-c', SQLITE, file, statement]);
    return { store: ['--database', `sqlite:${file}`], serve: [], execute };
  }

  const name = `conformance_${randomUUID().replaceAll('-', '')}`;
  await run('psql', ['-X', '-q', '-c', `CREATE DATABASE ${name}`, `${postgres}/postgres?sslmode=disable`]);
  const store = ['--database', `${postgres}/${name}?sslmode=disable`, '--key-file', `${file}.keys`];
  await run(paydesk, ['migrate', ...store], { env: environment });
  const execute = (statement) => run('psql', ['-X', '-q', '-c', statement, `${postgres}/${name}?sslmode=disable`]);
  const serve = sandbox ? ['--sandbox-url', await startSandbox(t, directory)] : [];
  return { store, serve, execute };
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
