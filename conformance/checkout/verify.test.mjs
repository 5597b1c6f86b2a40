// `paydesk verify-page`: silent about what the server serves, loud about anything that a proxy did to it.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test from 'node:test';
import { native } from '../lib/api.mjs';
import { afterwards } from '../lib/after.mjs';
import { isOurs } from '../lib/program.mjs';
import { startServer } from '../lib/server.mjs';

const server = await startServer(test);
const { url } = await native(server).ask('POST', '/sessions', { kind: 'payment', amount: 3500, currency: 'SGD' });

/** Serves what the server serves, but for what `change` makes of each answer. */
async function proxy(t, change) {
  const between = createServer(async (request, response) => {
    const answer = await fetch(server.url + request.url, { redirect: 'manual' });
    const headers = Object.fromEntries(answer.headers);
    for (const hop of ['content-length', 'connection', 'transfer-encoding', 'keep-alive']) delete headers[hop];
    const changed = change({ path: request.url, headers, body: await answer.text() });
    response.writeHead(answer.status, changed.headers).end(changed.body);
  });
  await new Promise((resolve) => between.listen(0, '127.0.0.1', resolve));
  afterwards(t, () => {
    between.closeAllConnections();
    between.close();
  });
  return url.replace(server.url, `http://127.0.0.1:${between.address().port}`);
}

const html = (change) => (answer) =>
  answer.headers['content-type'].startsWith('text/html') ? { ...answer, body: change(answer.body) } : answer;
const header = (name, value) => (answer) => ({ ...answer, headers: { ...answer.headers, [name]: value } });

test('what the server serves is its own, through a proxy that changes nothing too', async (t) => {
  await isOurs(url);
  await isOurs(await proxy(t, (answer) => answer));
});

const attacks = {
  'one more script': [html((body) => body.replace('</head>', '<script src="/pay/assets/x.js"></script></head>')), /<script src/],
  'a script in the page': [html((body) => body.replace('</body>', '<script>alert(1)</script></body>')), /text inside <script>/],
  'a handler': [html((body) => body.replace('<body>', '<body onload="alert(1)">')), /onload/],
  'a frame': [html((body) => body.replace('<footer', '<iframe></iframe><footer')), /<iframe>/],
  'a form that posts elsewhere': [html((body) => body.replace(/action="[^"]*payments"/, 'action="https://elsewhere.example/"')), /elsewhere/],
  'a style of its own': [html((body) => body.replace('<h1', '<h1 style="display:none"')), /style/],
  'a changed style sheet': [
    (answer) => (answer.path.endsWith('.css') ? { ...answer, body: `${answer.body}\n` } : answer),
    /checkout\.css.*bytes/,
  ],
  'a changed script': [
    (answer) => (answer.path.endsWith('.js') ? { ...answer, body: `${answer.body};` } : answer),
    /checkout\.js.*bytes/,
  ],
  'a weaker policy': [header('content-security-policy', "default-src 'self'"), /content-security-policy/],
  'a page that may be kept': [header('cache-control', 'public'), /cache-control/],
  'one more header': [header('link', '<https://elsewhere.example/a.js>; rel=preload'), /link is not ours/],
};

for (const [what, [change, says]] of Object.entries(attacks)) {
  test(`${what} is found`, async (t) => {
    const changed = await proxy(t, change);
    await assert.rejects(isOurs(changed), (fault) => {
      assert.equal(fault.code, 1);
      assert.match(fault.stdout, says);
      return true;
    });
  });
}
