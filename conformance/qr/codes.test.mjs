// Our payment codes, held against other people's libraries: every code is parsed by promptparse, those that another
// library can make are made again with it and compared field by field, and every picture is drawn and read back.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import hkqr from 'hkqr-fps';
import PaynowQR from 'paynowqr';
import { checksum, encode, parse } from 'promptparse';
import { anyId } from 'promptparse/generate';
import promptpay from 'promptpay-qr';
import { example, python } from '../lib/program.mjs';
import { charge as documented } from '../xanpay/documented.mjs';

const { stdout } = await promisify(execFile)(example('qr_samples'));
/** @type {{name: string, code: string, fields: object, svg: string}[]} */
const samples = JSON.parse(stdout);
const byName = Object.fromEntries(samples.map((sample) => [sample.name, sample]));

// The fields of a code as promptparse reads them, in the form in which the samples have them.
function read(code) {
  const parsed = parse(code, true, true);
  assert.ok(parsed, `promptparse does not read ${code}`);
  const fields = {};
  for (const tag of parsed.getTags()) {
    const isTemplate = (tag.id >= '26' && tag.id <= '51') || tag.id === '62';
    fields[tag.id] = isTemplate
      ? Object.fromEntries(tag.subTags.map((inner) => [inner.id, inner.value]))
      : tag.value;
  }
  const { 63: crc, ...rest } = fields;
  assert.equal(crc, checksum(code.slice(0, -4)));
  return rest;
}

// Amounts are compared as numbers: others drop the decimals of whole amounts, which EMVCo allows.
const comparable = (fields) => ({ ...fields, 54: Number(fields['54']) });

const paynow = (amount, refNumber, company) =>
  new PaynowQR({ uen: '201403121W', amount, editable: false, expiry: '20220625003000', refNumber, company }).output();

function fps(proxy, value, amount) {
  const code = new hkqr.FPS();
  code[proxy](value);
  code.setAmount(amount);
  code.setBillNumber('ABCDEFGHIJ');
  return code.generate().data;
}

// What another library makes of the same payment, and the fields in which it is known to differ, with the reason.
const NO_NAMES = { '52 59 60 62': 'it writes neither category, name, city nor bill number' };
const MANY_PAYMENTS = { '01': 'it leaves the code for many payments' };
const others = [
  ['paynow-published', 'XanPay', documented.destination.qrCode, {}],
  ['paynow-uen', 'paynowqr', paynow(0.05, 'ABCDEFGHIJ', 'Kopi & Co'), {}],
  ['promptpay-mobile', 'promptpay-qr', promptpay('0812345678', { amount: 35.5 }), NO_NAMES],
  ['promptpay-national-id', 'promptpay-qr', promptpay('1234567890123', { amount: 35 }), NO_NAMES],
  ['promptpay-e-wallet', 'promptpay-qr', promptpay('123456789012345', { amount: 0.01 }), NO_NAMES],
  ['promptpay-mobile', 'promptparse', anyId({ type: 'MSISDN', target: '0812345678', amount: 35.5 }), NO_NAMES],
  ['promptpay-national-id', 'promptparse', anyId({ type: 'NATID', target: '1234567890123', amount: 35 }), NO_NAMES],
  ['promptpay-e-wallet', 'promptparse', anyId({ type: 'EWALLETID', target: '123456789012345', amount: 0.01 }), NO_NAMES],
  ['fps-id', 'hkqr-fps', fps('setFPSId', '199900018', 35.5), MANY_PAYMENTS],
  ['fps-mobile', 'hkqr-fps', fps('setMobile', '+852-91234567', 1), MANY_PAYMENTS],
  ['fps-email', 'hkqr-fps', fps('setEmail', 'pay@example.hk', 1234.56), MANY_PAYMENTS],
];

test('every code is read by promptparse, checksum included, and written again to the letter', () => {
  assert.ok(samples.length > 0);
  for (const { name, code, fields } of samples) {
    assert.deepEqual(read(code), fields, name);
    assert.equal(encode(parse(code, true, true).getTags()), code, name);
  }
});

test('codes of every amount, name and reference are read by promptparse, and keep to the limits', async () => {
  const { stdout } = await promisify(execFile)(example('qr_samples'), ['many'], { maxBuffer: 16 * 1024 * 1024 });
  const many = JSON.parse(stdout);
  assert.ok(many.length >= 500);
  for (const { code, fields } of many) {
    assert.match(code, /^[ -~]+$/, 'every bank reads ASCII');
    assert.deepEqual(read(code), fields, code);
    assert.equal(encode(parse(code, true, true).getTags()), code);
    for (const [id, most] of [['54', 13], ['59', 25], ['60', 15]]) {
      assert.ok(fields[id].length >= 1 && fields[id].length <= most, `${id} of ${code}`);
    }
    assert.ok(fields['62']['01'].length <= 25, code);
  }
});

for (const [name, library, code, differences] of others) {
  test(`${name} says the same as the code of ${library}`, () => {
    const ours = comparable(byName[name].fields);
    const theirs = comparable(read(code));
    for (const id of Object.keys(differences).flatMap((ids) => ids.split(' '))) {
      // A difference that is gone should be struck off the list.
      assert.notDeepEqual(ours[id], theirs[id], `${library} no longer differs in ${id}`);
      delete ours[id];
      delete theirs[id];
    }
    assert.deepEqual(ours, theirs);
  });
}

test('every picture is read back by zxing at every size', () => {
  const script = fileURLToPath(new URL('read_pictures.py', import.meta.url));
  const { status, stderr, error } = spawnSync(python, [script], { input: stdout, encoding: 'utf8' });
  assert.equal(status, 0, stderr ?? String(error));
});
