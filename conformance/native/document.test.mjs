// The server held against its own document by schemathesis: requests that the document allows and requests that it
// does not, for every call. No answer is a 5xx, and every answer is one that the document describes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { python } from '../lib/program.mjs';
import { startServer } from '../lib/server.mjs';

const CASES = 5_000;
// Only so that it ends at all.
const WITHIN_MS = 3_000_000;
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
  'unsupported_method',
  'ignored_auth',
];

// Runs schemathesis; answers what it counted. What it says is shown if it is not content.
async function schemathesis(server, args, config = '') {
  const directory = await mkdtemp(join(tmpdir(), 'paydesk-schemathesis-'));
  try {
    const [settings, report] = ['schemathesis.toml', 'report.ndjson'].map((name) => join(directory, name));
    await writeFile(settings, config);
    const child = spawn(
      python,
      [
        ...['-m', 'schemathesis.cli', '--config-file', settings, 'run', `${server.url}/api/v1/openapi.json`],
        ...['--header', `Authorization: Bearer ${server.merchant.test.secret}`],
        ...['--checks', CHECKS.join(','), '--workers', '2', '--seed', '20260101', '--no-color'],
        ...['--generation-database', 'none', '--report-ndjson-path', report, '--warnings', 'off', ...args],
      ],
      { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let said = '';
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding('utf8').on('data', (text) => {
        said += text;
      });
    }
    const late = setTimeout(() => child.kill('SIGKILL'), WITHIN_MS);
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    clearTimeout(late);
    assert.equal(code, 0, said.slice(-12_000));
    const counted = /(\d[\d,]*) generated/.exec(said);
    assert.ok(counted, `it counted nothing:\n${said.slice(-2_000)}`);
    return { cases: Number(counted[1].replaceAll(',', '')), report: await readFile(report, 'utf8') };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('five thousand requests, right and wrong, get answers that the document describes', async (t) => {
  // As fast as it can: the limit of a key's rate is another test's.
  const server = await startServer(t, { serve: ['--key-rate', '100000'] });
  const { cases } = await schemathesis(server, ['--phases', 'coverage,fuzzing', '--max-examples', '80']);
  t.diagnostic(`${cases} cases`);
  assert.ok(cases >= CASES, `only ${cases} cases were made`);
});
