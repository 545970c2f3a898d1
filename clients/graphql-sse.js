import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';
import { changes, checkChange, checkResumed, code, group, page, refused, resumed, run, test, url, variables } from './program.js';

const client = (more) => createClient({ url, retryAttempts: 0, ...more });

async function only(n, query, variables, more) {
  const c = client(more);
  const results = [];
  for await (const result of c.iterate({ query, variables })) {
    results.push(result);
    if (results.length === n) break;
  }
  c.dispose();
  return results;
}

test('a query', async () => {
  const [{ data }] = await only(9, page, { group });
  assert.equal(data.scalingGroup.groupId, group);
});

test('changes, and since', async () => {
  const [first, second] = (await only(2, changes, variables)).map(({ data }) => checkChange(data));
  const again = await only(resumed, changes, { ...variables, since: first.cursor });
  checkResumed(again, first, second);
});

test('Last-Event-ID', async () => {
  const [first, second] = (await only(2, changes, variables)).map(({ data }) => checkChange(data));
  const again = await only(resumed, changes, variables, { headers: { 'Last-Event-ID': first.cursor } });
  checkResumed(again, first, second);
});

test('a refused subscription ends', async () => {
  const results = await only(9, refused);
  assert.equal(results.length, 1);
  assert.equal(code(results[0].errors), 'BAD_USER_INPUT');
});

test('an invalid document', async () => {
  await assert.rejects(only(1, '{ nothing }'), (error) => error.response.status === 400);
});

run('graphql-sse');
