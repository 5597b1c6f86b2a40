// Holds our payment codes, given as JSON on standard input (see README.md), against other people's libraries:
// every code is parsed by promptparse, and the codes that another library can make are made again with it and
// compared field by field.
import { readFileSync } from 'node:fs'
import assert from 'node:assert/strict'
import hkqr from 'hkqr-fps'
import PaynowQR from 'paynowqr'
import { checksum, encode, parse } from 'promptparse'
import { anyId } from 'promptparse/generate'
import promptpay from 'promptpay-qr'

const samples = JSON.parse(readFileSync(0, 'utf8'))
const byName = Object.fromEntries(samples.map((sample) => [sample.name, sample]))

// The fields of a code as promptparse reads them, in the form in which the samples have them.
function read(code) {
  const parsed = parse(code, true, true)
  assert.ok(parsed, `promptparse does not read ${code}`)
  const fields = {}
  for (const tag of parsed.getTags()) {
    const isTemplate = (tag.id >= '26' && tag.id <= '51') || tag.id === '62'
    fields[tag.id] = isTemplate
      ? Object.fromEntries(tag.subTags.map((inner) => [inner.id, inner.value]))
      : tag.value
  }
  const { 63: crc, ...rest } = fields
  assert.equal(crc, checksum(code.slice(0, -4)))
  return rest
}

const published =
  '00020101021126380009SG.PAYNOW010100211+658586783403010520400005303702540535.005802SG5902NA6009Singapore62080104ztt16304CE6D'

const fps = (set) => {
  const code = new hkqr.FPS()
  set(code)
  return code.generate().data
}
const paynow = (amount, refNumber, company) =>
  new PaynowQR({ uen: '201403121W', amount, editable: false, expiry: '20220625003000', refNumber, company }).output()

// What another library makes of the same payment, and the fields in which it is known to differ, with the reason.
const NO_NAMES = 'it writes neither category, name, city nor bill number'
const others = [
  ['paynow-published', 'XanPay', published, {}],
  ['paynow-uen', 'paynowqr', paynow(0.05, 'ABCDEFGHIJ', 'Kopi & Co'), {}],
  ['promptpay-mobile', 'promptpay-qr', promptpay('0812345678', { amount: 35.5 }), { '52 59 60 62': NO_NAMES }],
  ['promptpay-national-id', 'promptpay-qr', promptpay('1234567890123', { amount: 35 }), { '52 59 60 62': NO_NAMES }],
  ['promptpay-e-wallet', 'promptpay-qr', promptpay('123456789012345', { amount: 0.01 }), { '52 59 60 62': NO_NAMES }],
  ['promptpay-mobile', 'promptparse', anyId({ type: 'MSISDN', target: '0812345678', amount: 35.5 }), { '52 59 60 62': NO_NAMES }],
  ['promptpay-national-id', 'promptparse', anyId({ type: 'NATID', target: '1234567890123', amount: 35 }), { '52 59 60 62': NO_NAMES }],
  ['promptpay-e-wallet', 'promptparse', anyId({ type: 'EWALLETID', target: '123456789012345', amount: 0.01 }), { '52 59 60 62': NO_NAMES }],
  ['fps-id', 'hkqr-fps', fps((code) => { code.setFPSId('199900018'); code.setAmount(35.5); code.setBillNumber('ABCDEFGHIJ') }), { '01': 'it leaves the code for many payments' }],
  ['fps-mobile', 'hkqr-fps', fps((code) => { code.setMobile('+852-91234567'); code.setAmount(1); code.setBillNumber('ABCDEFGHIJ') }), { '01': 'it leaves the code for many payments' }],
  ['fps-email', 'hkqr-fps', fps((code) => { code.setEmail('pay@example.hk'); code.setAmount(1234.56); code.setBillNumber('ABCDEFGHIJ') }), { '01': 'it leaves the code for many payments' }],
]

// Amounts are compared as numbers: others drop the decimals of whole amounts, which EMVCo allows.
const comparable = (fields) => ({ ...fields, 54: Number(fields['54']) })

for (const { name, code, fields } of samples) {
  assert.deepEqual(read(code), fields, name)
  assert.equal(encode(parse(code, true, true).getTags()), code, `${name}: written again by promptparse`)
}
console.log(`promptparse reads all ${samples.length} codes, checksums included, and writes them again to the letter`)

for (const [name, library, code, differences] of others) {
  const ours = comparable(byName[name].fields)
  const theirs = comparable(read(code))
  for (const id of Object.keys(differences).flatMap((ids) => ids.split(' '))) {
    // A difference that is gone should be struck off the list.
    assert.notDeepEqual(ours[id], theirs[id], `${name}: ${library} no longer differs in ${id}`)
    delete ours[id]
    delete theirs[id]
  }
  assert.deepEqual(ours, theirs, `${name} against ${library}`)
  const but = Object.entries(differences).map(([ids, why]) => `, but for ${ids}: ${why}`)
  console.log(`${name} says the same as ${library}'s${but.join('')}`)
}
