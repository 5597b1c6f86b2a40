// The verification code of the guide on webhooks, in each of its languages, as it stands there: what the server sent is
// believed, and nothing else is.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { afterwards } from '../lib/after.mjs';
import { python } from '../lib/program.mjs';
import { startReceiver } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';

const guide = await readFile(new URL('../../docs/guides/webhooks.md', import.meta.url), 'utf8');

// The one piece of code in a language.
function code(language) {
  const found = [...guide.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text);
  assert.equal(found.length, 1, language);
  return found[0];
}

// Runs a program to its end.
function run(command, args, { input = '', ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    child.stdin.on('error', () => {}).end(input);
    child.once('error', (error) => reject(new Error(`${command} cannot be run: ${error.message}; ./test installs it`)));
    child.once('close', (status) => resolve({ status, out, err }));
  });
}

// Each language's guide, made into a program that reads a delivery from its standard input, writes the event's type if
// it is believed, and fails if it is not.
const programs = {
  async js() {
    const program = `
      import { readFileSync } from 'node:fs';
      const { secret, body, headers } = JSON.parse(readFileSync(0, 'utf8'));
      const [rawBody, request] = [Buffer.from(body, 'base64'), { headers }];
      ${code('js')}
      console.log(event.type);`;
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    return (input) => run(process.execPath, ['--input-type=module', '--eval', program], { input, cwd });
  },
  async python() {
    const program = [
      'import base64, json, sys, types',
      'case = json.load(sys.stdin)',
      'secret, raw_body = case["secret"], base64.b64decode(case["body"])',
      'request = types.SimpleNamespace(headers=case["headers"])',
      code('python'),
      'print(event["type"])',
    ].join('\n');
    return (input) => run(python, ['-c', program], { input });
  },
  async go(directory) {
    const [, names] = /\(it imports (.*?)\)/s.exec(guide);
    const imports = [...names.matchAll(/`([a-z0-9/]+)`/g)].map(([, name]) => name);
    const program = `package main

import (
${[...imports, 'encoding/json', 'os'].map((name) => `\t"${name}"`).join('\n')}
)

${code('go')}
func main() {
	var given struct {
		Secret  string
		Body    []byte
		Headers map[string]string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	header := http.Header{}
	for name, value := range given.Headers {
		header.Set(name, value)
	}
	if err := verify(given.Secret, given.Body, header); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var event struct{ Type string }
	if err := json.Unmarshal(given.Body, &event); err != nil {
		panic(err)
	}
	fmt.Println(event.Type)
}
`;
    const [source, binary] = [join(directory, 'verify.go'), join(directory, 'verify')];
    await writeFile(source, program);
    const env = { ...process.env, GOCACHE: join(directory, 'cache'), GO111MODULE: 'off', GOTOOLCHAIN: 'local' };
    const built = await run('go', ['build', '-o', binary, source], { cwd: directory, env });
    assert.equal(built.status, 0, built.err);
    return (input) => run(binary, [], { input });
  },
  async php(directory) {
    const file = join(directory, 'verify.php');
    await writeFile(
      file,
      `<?php
${code('php')}
$given = json_decode(file_get_contents('php://stdin'), true);
echo verify($given['secret'], base64_decode($given['body']), $given['headers'])['type'], "\\n";
`,
    );
    return (input) => run('php', [file], { input });
  },
};

const server = await startServer(test);
const receiver = await startReceiver(test);
const call = async (path, body = {}) => {
  const answer = await fetch(`${server.url}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.merchant.test.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
};
const endpoint = await call('/webhookEndpoints', { url: `${receiver.url}/all`, events: ['session.created'] });
await call('/sessions', { amount: 1, currency: 'SGD', title: 'größer' });
const [sent] = await receiver.exactly(1, '/all', { quietMs: 100 });
// From now on each carries two signatures.
const { secret } = await call(`/webhookEndpoints/${endpoint.id}/rotate`);
await call('/sessions', { amount: 2, currency: 'SGD' });
const [, rotated] = await receiver.exactly(2, '/all', { quietMs: 100 });

const id = 'evt_1';
const old = String(Math.floor(Date.now() / 1000) - 3_600);
const body = Buffer.from('{"type":"session.created"}');
const signed = (at) =>
  createHmac('sha256', Buffer.from(endpoint.secret.slice('whsec_'.length), 'base64'))
    .update(`${id}.${at}.`)
    .update(body)
    .digest('base64');
const strange = { ...sent.headers, 'webhook-signature': `v1a,${signed(sent.headers['webhook-timestamp'])}` };
const changed = Buffer.from(sent.body);
changed[changed.length - 2] ^= 1;
const cases = [
  ['what was sent', true, endpoint.secret, sent.body, sent.headers],
  ['what was sent while the secret is replaced, by the old one', true, endpoint.secret, rotated.body, rotated.headers],
  ['what was sent while the secret is replaced, by the new one', true, secret, rotated.body, rotated.headers],
  ['another body', false, endpoint.secret, changed, sent.headers],
  ['another secret', false, secret, sent.body, sent.headers],
  ['another id', false, endpoint.secret, sent.body, { ...sent.headers, 'webhook-id': id }],
  ['no signature that it knows', false, endpoint.secret, sent.body, strange],
  [
    'one that is an hour old',
    false,
    endpoint.secret,
    body,
    { 'webhook-id': id, 'webhook-timestamp': old, 'webhook-signature': `v1,${signed(old)}` },
  ],
];

for (const [language, make] of Object.entries(programs)) {
  test(`the code in ${language} believes what was sent and nothing else`, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'paydesk-guide-'));
    afterwards(t, () => rm(directory, { recursive: true, force: true }));
    const verify = await make(directory);
    for (const [what, believed, secret, body, headers] of cases) {
      const input = JSON.stringify({ secret, body: body.toString('base64'), headers });
      const { status, out, err } = await verify(input);
      if (believed) {
        assert.deepEqual([status, out], [0, 'session.created\n'], `${what}: ${err}`);
      } else {
        assert.ok(status !== 0 && !out.includes('session.created'), `${what} is believed: ${out}${err}`);
      }
    }
  });
}
