// Our payment codes, held against other people's libraries and against published examples. Every code is read by two
// parsers that know nothing of each other (promptparse, emvco-qr-sdk), checksum included; those that another library can
// make are made again with it and compared field by field; every picture is drawn and read back.
//
// Nobody publishes a library for DuitNow's codes. They are held against the examples of PayNet's own specification, and
// against what promptparse makes of the same values.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CRC, TlvParserService } from 'emvco-qr-sdk';
import hkqr from 'hkqr-fps';
import PaynowQR from 'paynowqr';
import { checksum, encode, parse, tag, withCrcTag } from 'promptparse';
import { anyId } from 'promptparse/generate';
import promptpay from 'promptpay-qr';
import { example, python } from '../lib/program.mjs';
import { charge as documented } from '../xanpay/documented.mjs';

const { stdout } = await promisify(execFile)(example('qr_samples'));
/** @type {{name: string, code: string, fields: object, svg: string}[]} */
const samples = JSON.parse(stdout);
const byName = Object.fromEntries(samples.map((sample) => [sample.name, sample]));

const isTemplate = (id) => (id >= '26' && id <= '51') || id === '62';

// The fields of a code, in the form in which the samples have them: as promptparse reads them,
function readByPromptparse(code) {
  const parsed = parse(code, true, true);
  assert.ok(parsed, `promptparse does not read ${code}`);
  const fields = {};
  for (const { id, value, subTags } of parsed.getTags()) {
    fields[id] = isTemplate(id) ? Object.fromEntries(subTags.map((inner) => [inner.id, inner.value])) : value;
  }
  const { 63: crc, ...rest } = fields;
  assert.equal(crc, checksum(code.slice(0, -4)));
  return rest;
}

// and as emvco-qr-sdk does.
function readBySdk(code) {
  const fields = (text) => TlvParserService.parse(text, false).map(({ tag: id, value }) => [id, value]);
  const all = fields(code);
  const [last, crc] = all.pop();
  assert.equal(last, '63');
  assert.ok(new CRC(crc).validate(code.slice(0, -4)), `emvco-qr-sdk finds another checksum for ${code}`);
  return Object.fromEntries(all.map(([id, value]) => [id, isTemplate(id) ? Object.fromEntries(fields(value)) : value]));
}

function read(code) {
  const fields = readByPromptparse(code);
  assert.deepEqual(readBySdk(code), fields, 'two parsers read the same');
  return fields;
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

// PayNet, "DuitNow QR", merchant-presented mode, example 2: a payment of 10.00 to one user, 0000 being no merchant's category.
const PAYNET =
  '00020201021126410014A000000615000101065016640209123456789520400005303458540510.005802MY5909AUSERNAME6005BANGI63043A23';

/** DuitNow's values, by hand as its specification names them, written by promptparse. */
const duitnow = withCrcTag(
  encode([
    tag('00', '02'),
    tag('01', '12'),
    tag('26', encode([tag('00', 'A0000006150001'), tag('01', '501664'), tag('02', 'Q0001')])),
    tag('52', '0000'),
    tag('53', '458'),
    tag('54', '12.34'),
    tag('58', 'MY'),
    tag('59', 'Kedai Kopi'),
    tag('60', 'Kuala Lumpur'),
    tag('62', encode([tag('01', 'ABCDEFGHIJ')])),
  ]),
  '63',
);

// What another library makes of the same payment, and the fields in which it is known to differ, with the reason.
const NO_NAMES = { '52 59 60 62': 'it writes neither category, name, city nor bill number' };
const NO_BILL = { 62: 'it has no bill number' };
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
  ['duitnow-published', 'PayNet', PAYNET, NO_BILL],
  ['duitnow', 'promptparse', duitnow, {}],
  ['fps-id', 'hkqr-fps', fps('setFPSId', '199900018', 35.5), MANY_PAYMENTS],
  ['fps-mobile', 'hkqr-fps', fps('setMobile', '+852-91234567', 1), MANY_PAYMENTS],
  ['fps-email', 'hkqr-fps', fps('setEmail', 'pay@example.hk', 1234.56), MANY_PAYMENTS],
];

test('every code is read by two parsers, checksum included, and written again to the letter', () => {
  assert.ok(samples.length > 0);
  for (const { name, code, fields } of samples) {
    assert.deepEqual(read(code), fields, name);
    assert.equal(encode(parse(code, true, true).getTags()), code, name);
  }
});

/** The limits of EMVCo's fields, in characters. */
const LIMITS = { 54: 13, 58: 2, 59: 25, 60: 15 };

/** Where each scheme has what its payee is known by, and how it writes it. */
const PAYEES = {
  SGD: ({ 26: it }) => [it['02']],
  THB: ({ 29: it }) => [it['01']?.replace(/^0066/, '+66') ?? it['02'] ?? it['03']],
  MYR: ({ 26: it }) => [it['01'], it['02']],
  HKD: ({ 26: it }) => [it['02'] ?? it['03'] ?? it['04']],
};
const NUMERIC = { SGD: '702', THB: '764', MYR: '458', HKD: '344' };
const GUIDS = { SGD: 'SG.PAYNOW', THB: 'A000000677010111', MYR: 'A0000006150001', HKD: 'hk.com.hkicl' };

/** A time as PayNow's codes have it: to the second, in Singapore. */
const inSingapore = (millis) =>
  new Date(millis + 8 * 3_600_000).toISOString().replace(/\.\d+Z$/, '').replace(/[-:T]/g, '');

test('whatever is asked for, two parsers find it in the code, and the code keeps to the limits', async () => {
  const number = String(BigInt.asUintN(64, process.hrtime.bigint() * 0x9e3779b97f4a7c15n));
  const { stdout } = await promisify(execFile)(example('qr_samples'), ['many', number], { maxBuffer: 16 * 1024 * 1024 });
  const many = JSON.parse(stdout);
  assert.equal(many.length, 1000);
  const seen = new Set();
  for (const { code, fields, asked } of many) {
    const where = `${code} (qr_samples many ${number})`;
    assert.match(code, /^[ -~]+$/, 'every bank reads ASCII');
    const found = read(code);
    assert.deepEqual(found, fields, where);
    // Without the fields inside of fields: asked for those, it takes an amount such as 58017402.68 for two of them.
    assert.equal(encode(parse(code, true, false).getTags()), code, where);
    for (const [id, most] of Object.entries(LIMITS)) {
      assert.ok(found[id].length >= 1 && found[id].length <= most, `${id} of ${where}`);
    }
    assert.ok(found['62']['01'].length <= 25, where);
    // What was asked for is what is found.
    assert.match(found['54'], /^\d+\.\d\d$/, where);
    assert.equal(Number(found['54'].replace('.', '')), asked.minor, where);
    assert.equal(found['53'], NUMERIC[asked.currency], where);
    assert.equal((found['29'] ?? found['26'])['00'], GUIDS[asked.currency], where);
    assert.deepEqual(PAYEES[asked.currency](found), asked.payee, where);
    assert.equal(found['62']['01'], asked.reference, where);
    if (asked.currency === 'SGD') assert.equal(found['26']['04'], inSingapore(asked.expiresAt), where);
    seen.add(asked.currency);
  }
  assert.deepEqual([...seen].sort(), ['HKD', 'MYR', 'SGD', 'THB'], 'all four schemes');
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
