// The three flows of OneEntry's document: an order of a registered user, of tickets, of a guest; paid in a browser.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { native } from '../lib/api.mjs';
import { openTab, startBrowser } from '../lib/browser.mjs';
import { backLink, notice, paid, payByCard } from '../lib/page.mjs';
import { startReceiver } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';
import { basket, client, good, refused, signedIn, stock } from './shop.mjs';

const server = await startServer(test);
await stock(server);
const browser = await startBrowser(test);
const shopSite = await startReceiver(test);

const GOOD = '4242424242424242';

/** Order ▸ session ▸ page ▸ paid ▸ session completed, order paid. */
async function orderAndPay(t, user, { storage, products, total, type = 'session' }) {
  const order = good(await user.Orders.createOrder(storage, basket(products)));
  assert.equal(order.totalSum, total);
  const session = good(await user.Payments.createSession(order.id, type));
  assert.equal(session.status, 'waiting');
  assert.equal(session.type, type);
  assert.equal(session.amount, total);

  const open = good(await user.Orders.getOrderByMarkerAndId(storage, order.id));
  assert.equal(open.isCompleted, false);
  assert.equal(open.paymentUrl, session.paymentUrl);

  const page = await openTab(t, browser);
  await page.goto(session.paymentUrl);
  await payByCard(page, { number: GOOD });
  await paid(page).waitFor();

  const completed = good(await user.Payments.getSessionById(session.id));
  assert.equal(completed.status, 'completed');
  const [ofOrder, ...others] = good(await user.Payments.getSessionByOrderId(order.id));
  assert.deepEqual(others, []);
  assert.equal(ofOrder.id, session.id);
  assert.equal(ofOrder.status, 'completed');
  const done = good(await user.Orders.getOrderByMarkerAndId(storage, order.id));
  assert.equal(done.isCompleted, true);
  assert.equal(refused(await user.Payments.createSession(order.id, 'session')), 409);
  return { order, session, page };
}

test('an order of a registered user is paid', async (t) => {
  const user = await signedIn(server);
  await orderAndPay(t, user, { storage: 'orders', products: [{ productId: 2, quantity: 3 }], total: 0.3 });
});

test('an order of tickets is paid', async (t) => {
  const user = await signedIn(server);
  const products = [{ productId: 1, quantity: 2 }];
  await orderAndPay(t, user, { storage: 'tickets', products, total: 35, type: 'intent' });
});

test('an order of a guest is paid, and no other guest sees it', async (t) => {
  // The shop makes up a login and a password, and says that it did.
  const guest = client(server);
  const authData = [
    { marker: 'login', value: `guest-${randomUUID()}` },
    { marker: 'password', value: randomUUID() },
  ];
  const notificationData = { email: 'guest@example.com', phonePush: [], phoneSMS: '' };
  const signUp = { formIdentifier: 'guest', authData, formData: [], notificationData, isGuest: true };
  good(await guest.AuthProvider.signUp('email', signUp));
  good(await guest.AuthProvider.auth('email', { authData }));
  const products = [{ productId: 1, quantity: 1 }];
  const { order, session } = await orderAndPay(t, guest, { storage: 'guests', products, total: 17.5 });

  const other = await signedIn(server, { isGuest: true });
  assert.equal(refused(await other.Orders.getOrderByMarkerAndId('guests', order.id)), 404);
  assert.equal(refused(await other.Payments.getSessionById(session.id)), 404);
  assert.equal(refused(await other.Payments.getSessionByOrderId(order.id)), 404);
  assert.equal(refused(await other.Payments.createSession(order.id, 'session')), 404);
});

test('payers come back to where the account says, and their time is what it says', async (t) => {
  const merchant = native(server);
  const [{ id: accountId }] = (await merchant.ask('GET', '/providerAccounts')).data;
  const successUrl = `${shopSite.url}/thanks`;
  const settings = { successUrl, cancelUrl: `${shopSite.url}/basket`, sessionTimeout: 15 };
  await merchant.ask('PUT', `/providerAccounts/${accountId}/settings`, settings);
  t.after(() => merchant.ask('PUT', `/providerAccounts/${accountId}/settings`, {}));

  const user = await signedIn(server);
  const [account] = good(await user.Payments.getAccounts());
  assert.deepEqual(account.testSettings, { status: 'connected', ...settings });
  const products = [{ productId: 2, quantity: 1 }];
  const { page } = await orderAndPay(t, user, { storage: 'orders', products, total: 0.1 });
  await backLink(page).click();
  await page.waitForURL(successUrl);
  const order = good(await user.Orders.createOrder('orders', basket(products)));
  good(await user.Payments.createSession(order.id, 'session'));
  const [open] = (await merchant.ask('GET', '/sessions?limit=1')).data;
  assert.equal(Date.parse(open.expiresAt) - Date.parse(open.createdAt), 15 * 60_000);
});

test('a declined card leaves the order open, and two tabs that pay at once charge once', async (t) => {
  const user = await signedIn(server);
  const order = good(await user.Orders.createOrder('orders', basket()));
  const { paymentUrl } = good(await user.Payments.createSession(order.id, 'session'));
  // Without JavaScript: with it, the second tab sees that the first has paid and has nothing left to press.
  const tabs = [
    await openTab(t, browser, { javaScriptEnabled: false }),
    await openTab(t, browser, { javaScriptEnabled: false }),
  ];
  const [first] = tabs;
  await first.goto(paymentUrl);
  await payByCard(first, { number: '4000000000000002' });
  await notice(first, 'declined').waitFor();
  assert.equal(good(await user.Orders.getOrderByMarkerAndId('orders', order.id)).isCompleted, false);

  const again = good(await user.Payments.createSession(order.id, 'session'));
  assert.equal(again.paymentUrl, paymentUrl);
  for (const tab of tabs) await tab.goto(paymentUrl);
  await Promise.all(tabs.map((tab) => payByCard(tab, { number: GOOD })));
  for (const tab of tabs) {
    await tab.goto(paymentUrl);
    await paid(tab).waitFor();
  }
  const { data } = await native(server).ask('GET', '/sessions?limit=1');
  const whole = await native(server).ask('GET', `/sessions/${data[0].id}`);
  assert.equal(whole.transactions.filter(({ status }) => status === 'succeeded').length, 1);
});
