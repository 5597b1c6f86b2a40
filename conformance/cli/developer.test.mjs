// What a developer does beside a running server, by the commands.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { promisify } from 'node:util';
import { afterwards } from '../lib/after.mjs';
import { native } from '../lib/api.mjs';
import { paydesk } from '../lib/program.mjs';
import { startReceiver, verified } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';

const server = await startServer(test);
const merchant = native(server);
const env = { ...process.env, PAYDESK_URL: server.url, PAYDESK_SECRET: server.merchant.test.secret };

const run = async (...args) => (await promisify(execFile)(paydesk, args, { env })).stdout;

/** Runs a command that does not end by itself, and hands out its lines. */
const follow = (t, ...args) => followAs(t, env, [], ...args);

/** The same with another environment, and with a list that its lines go to. */
function followAs(t, env, lines, ...args) {
  const child = spawn(paydesk, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  afterwards(t, () => child.kill('SIGKILL'));
  let wake = () => {};
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  return async function until(pattern) {
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
      const found = lines.find((line) => pattern.test(line));
      if (found) return found;
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, 200);
      });
    }
    return assert.fail(`no ${pattern} in:\n${lines.join('\n')}`);
  };
}

/** A way to the server that can be closed. */
async function startWay(t, url) {
  const { hostname, port } = new URL(url);
  const sockets = new Set();
  let asked = 0;
  const way = createServer((socket) => {
    const onward = connect(Number(port), hostname);
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on('error', () => {});
      end.on('close', () => {
        socket.destroy();
        onward.destroy();
        sockets.delete(end);
      });
    }
    socket.on('data', () => {
      asked += 1;
    });
    socket.pipe(onward).pipe(socket);
  });
  const open = (at) => new Promise((resolve) => way.listen(at, '127.0.0.1', resolve));
  await open(0);
  const own = way.address().port;
  const close = () => new Promise((resolve) => {
    way.close(resolve);
    for (const socket of sockets) socket.destroy();
  });
  afterwards(t, () => (way.listening ? close() : undefined));
  return {
    url: `http://127.0.0.1:${own}`,
    open: () => open(own),
    close,
    /** Waits until so many requests have gone this way. */
    async asked(count) {
      while (asked < count) await new Promise((resolve) => setTimeout(resolve, 20));
    },
  };
}

test('sessions are listed, shown and expired', async () => {
  const session = await merchant.ask('POST', '/sessions', {
    amount: 3500,
    currency: 'SGD',
    title: 'iPhone case',
    reference: 'order-251',
  });
  const table = await run('sessions', 'list');
  const row = table.split('\n').find((line) => line.includes(session.id));
  assert.match(row, /created +35\.00 SGD .* order-251 +iPhone case/);
  const { data } = JSON.parse(await run('sessions', 'list', '--reference', 'order-251', '--json'));
  assert.deepEqual(data.map(({ id }) => id), [session.id]);
  assert.match(await run('sessions', 'show', session.id), /status +created/);
  assert.equal(JSON.parse(await run('sessions', 'expire', session.id, '--json')).status, 'expired');
  await assert.rejects(run('sessions', 'show', '00000000-0000-7000-8000-000000000000'), /404 Not Found session_not_found/);
});

test('without a server, or with a wrong secret, a command says what to do', async () => {
  const away = { ...env, PAYDESK_URL: 'http://127.0.0.1:9' };
  await assert.rejects(promisify(execFile)(paydesk, ['sessions', 'list'], { env: away }), /Is the server running/);
  const wrong = { ...env, PAYDESK_SECRET: 'sk_test_wrong' };
  await assert.rejects(promisify(execFile)(paydesk, ['sessions', 'list'], { env: wrong }), /401/);
});

test('events are followed, and forwarded signed', async (t) => {
  const shop = await startReceiver(t);
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const tail = follow(t, 'events', 'tail', '--json');
  const listen = follow(t, 'listen', '--forward-to', `${shop.url}/events`, '--webhook-secret', secret);
  await listen(/^Listening/);
  // The tail has no such line; its first look comes before anything happens, or this event is not the last to be awaited.
  for (let tries = 0; tries < 3; tries += 1) await run('trigger', 'session.created');
  const event = JSON.parse(await tail(/session\.created/));
  assert.equal(event.type, 'session.created');
  assert.equal(event.data.title, 'Triggered');
  await listen(/session\.created/);
  await listen(/→ 2\d\d/);
  const [delivery] = await shop.exactly(3, '/events');
  assert.equal(verified(delivery, secret).type, 'session.created');
});

for (const type of [
  'session.initiated',
  'session.completed',
  'session.cancelled',
  'session.expired',
  'transaction.pending',
  'transaction.succeeded',
  'transaction.declined',
  'transaction.failed',
  'transaction.unknown',
  'transaction.cancelled',
  'transaction.exception',
  'refund.succeeded',
  'paymentMethod.stored',
]) {
  test(`${type} is brought about`, async () => {
    const said = await run('trigger', type);
    const session = /of session (\S+)/.exec(said)[1];
    for (const deadline = Date.now() + 60_000; ; ) {
      const { data } = await merchant.ask('GET', `/events?session=${session}&limit=100`);
      if (data.some((event) => event.type === type)) return;
      assert.ok(Date.now() < deadline, `only ${data.map((event) => event.type)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
}

for (const type of ['customer.created', 'customer.updated', 'customer.deleted']) {
  test(`${type} is brought about`, async () => {
    const id = /of customer (\S+)/.exec(await run('trigger', type))[1];
    const { data } = await merchant.ask('GET', `/events?type=${type}&limit=100`);
    assert.equal(data.filter((event) => event.data.id === id).length, 1);
  });
}

test('nothing is brought about in live mode', async () => {
  const live = { ...env, PAYDESK_SECRET: server.merchant.live.secret };
  const asLive = native({ url: server.url, merchant: { test: server.merchant.live } });
  for (const type of ['session.created', 'customer.created']) {
    await assert.rejects(promisify(execFile)(paydesk, ['trigger', type], { env: live }), /test mode only/);
  }
  for (const list of ['/sessions', '/customers']) assert.deepEqual((await asLive.ask('GET', list)).data, []);
});

test('what cannot be brought about is refused with what can', async () => {
  await assert.rejects(run('trigger', 'session.lost'), /session\.completed/);
});

test('what happens while the server cannot be reached is told afterwards, all of it', async (t) => {
  const far = await startServer(t);
  const way = await startWay(t, far.url);
  const lines = [];
  const secret = far.merchant.test.secret;
  const tail = followAs(t, { ...env, PAYDESK_URL: way.url, PAYDESK_SECRET: secret }, lines, 'events', 'tail', '--json');
  // Nothing has happened to this merchant yet; it has looked once, and looks again.
  await way.asked(3);
  await way.close();
  const shop = native(far);
  const opened = [];
  for (let n = 0; n < 15; n += 1) {
    const some = Array.from({ length: 10 }, () => shop.ask('POST', '/sessions', { amount: 100, currency: 'SGD' }));
    opened.push(...(await Promise.all(some)));
  }
  await way.open();
  await tail(/session\.created/);
  const told = () => lines.map((line) => JSON.parse(line).data.id).sort();
  for (const deadline = Date.now() + 60_000; told().length < opened.length && Date.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(told(), opened.map(({ id }) => id).sort());
});

test('a merchant’s sessions and transactions are exported beside the running server', async () => {
  const paid = /of session (\S+)/.exec(await run('trigger', 'session.completed'))[1];
  const store = ['--test', ...server.store];
  const rows = (await run('export', 'sessions', '--format', 'jsonl', ...store)).trim().split('\n').map(JSON.parse);
  const total = (await merchant.ask('GET', '/sessions?limit=100')).data.length;
  assert.equal(rows.length, total);
  assert.equal(rows.find(({ id }) => id === paid).status, 'completed');
  const file = join(server.directory, 'transactions.csv');
  await run('export', 'transactions', '--output', file, ...store);
  const [head, ...lines] = (await readFile(file, 'utf8')).trim().split('\n');
  assert.match(head, /^id,sessionId,action,status,amount,currency/);
  assert.ok(lines.some((line) => line.includes(`${paid},payment,succeeded,3500,SGD,card`)));
  const none = await run('export', 'sessions', '--format', 'jsonl', '--to', '2020-01-01', ...store);
  assert.equal(none, '');
});

for (const shell of ['bash', 'zsh', 'fish']) {
  test(`${shell} completes the commands`, async () => {
    assert.match(await run('completions', shell), /verify-page/);
  });
}
