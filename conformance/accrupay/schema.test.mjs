// The schema that is served, held against the one that the vendor's client was made from.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { buildClientSchema, buildSchema, findBreakingChanges, getIntrospectionQuery, lexicographicSortSchema, printSchema } from 'graphql';
import { startServer } from '../lib/server.mjs';
import { ask, raw } from './client.mjs';

const server = await startServer(test);
const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
// Deprecated arguments are left out of the answer unless it is asked for them.
const introspection = getIntrospectionQuery({ inputValueDeprecation: true });

test('nothing in the schema breaks what the vendor’s client was made from', async () => {
  const vendors = buildSchema(read('accrupay-0.15.1.graphql'));
  const served = buildClientSchema(await ask(server, introspection));
  assert.deepEqual(findBreakingChanges(vendors, served), []);
});

test('the schema in the repository is what is served', async () => {
  const served = buildClientSchema(await ask(server, introspection));
  const written = buildSchema(read('../../crates/paydesk-accrupay/schema.graphql'));
  const plain = (schema) => printSchema(lexicographicSortSchema(schema));
  assert.equal(plain(written), plain(served));
});

test('an operator can switch the schema off', async (t) => {
  const closed = await startServer(t, { serve: ['--no-graphql-introspection'] });
  for (const query of [introspection, '{ __type(name: "Query") { name } }']) {
    const { data, errors } = await raw(closed, query);
    assert.ok(errors?.length > 0 || Object.values(data ?? {}).every((value) => value === null), JSON.stringify(data));
  }
  assert.equal((await ask(closed, '{ merchantApi { name } }')).merchantApi.name, 'Conformance');
});
