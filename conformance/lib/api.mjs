// The calls of a merchant's backend, as plain HTTP.

import assert from 'node:assert/strict';

/** XanPay's REST API with the merchant's test key. */
export function xanpay({ url, merchant }) {
  return client(url, `Basic ${Buffer.from(`${merchant.test.keyId}:${merchant.test.secret}`).toString('base64')}`);
}

/** The native API with the merchant's key of a mode. */
export function native({ url, merchant }, mode = 'test') {
  return client(`${url}/api/v1`, `Bearer ${merchant[mode].secret}`);
}

function client(base, authorization) {
  /** Sends a request; `body` is text as it is, or a value for JSON. Redirects are answers. */
  async function send(method, path, body, headers = {}) {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await fetch(base + path, {
      method,
      body: text,
      headers: { authorization, ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      redirect: 'manual',
    });
    const type = answer.headers.get('content-type') ?? '';
    const content = await answer.text();
    return { status: answer.status, headers: answer.headers, body: type.includes('json') ? JSON.parse(content) : content };
  }

  /** Sends a request that must succeed and returns its JSON. */
  async function ask(method, path, body) {
    const answer = await send(method, path, body);
    assert.ok(answer.status >= 200 && answer.status < 300, `${method} ${path}: ${answer.status} ${inspect(answer.body)}`);
    return answer.body;
  }

  return { send, ask };
}

const inspect = (body) => (typeof body === 'string' ? body : JSON.stringify(body));
