import assert from 'node:assert/strict';
import { meros } from 'meros/browser';
import { changes, checkChange, checkFirst, deferred, group, run, test, url, variables } from './program.js';

async function parts(accept, body, most = Infinity) {
  const abort = new AbortController();
  const headers = { accept, 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal: abort.signal });
  const bodies = [];
  for await (const part of await meros(response)) {
    assert.ok(part.json, 'every part is JSON');
    bodies.push(part.body);
    if (bodies.length >= most) break;
  }
  abort.abort();
  return bodies;
}

// at finds the object that a path leads to.
const at = (data, path) => path.reduce((object, step) => object[step], data);

test('deferSpec=20220824', async () => {
  const [first, ...later] = await parts('multipart/mixed;deferSpec=20220824', { query: deferred, variables: { group } });
  assert.equal(first.hasNext, true);
  checkFirst(first.data);
  assert.deepEqual(later.map(({ hasNext }) => hasNext), later.map((_, i) => i < later.length - 1));
  const groups = later.flatMap(({ incremental }) => incremental);
  assert.equal(groups.filter(({ label }) => label === 'heavy').length, 2);
  for (const { path, data } of groups) Object.assign(at(first.data, path), data);
});

test('incrementalSpec=v0.2', async () => {
  const all = await parts('multipart/mixed;incrementalSpec=v0.2', { query: deferred, variables: { group } });
  checkFirst(all[0].data);
  const pending = all.flatMap(({ pending }) => pending ?? []).map(({ id }) => id).sort();
  const completed = all.flatMap(({ completed }) => completed ?? []).map(({ id }) => id).sort();
  assert.equal(new Set(pending).size, 4);
  assert.deepEqual(completed, pending);
});

test('subscriptionSpec=1.0', async () => {
  const bodies = await parts('multipart/mixed;subscriptionSpec=1.0', { query: changes, variables }, 3);
  const payloads = bodies.filter(({ payload }) => payload).map(({ payload }) => payload);
  assert.ok(payloads.length > 0);
  payloads.forEach(({ data }) => checkChange(data));
});

run('meros');
