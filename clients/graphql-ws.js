import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { changes, checkChange, checkResumed, code, group, page, refused, resumed, run, socket, test, variables, wrong } from './program.js';

const client = (more) => createClient({ url: socket, webSocketImpl: WebSocket, retryAttempts: 0, ...more });

// only subscribes and returns the first results.
async function only(n, query, variables, more) {
  const c = client(more);
  const results = [];
  try {
    for await (const result of c.iterate({ query, variables })) {
      results.push(result);
      if (results.length === n) break;
    }
  } finally {
    await c.dispose();
  }
  return results;
}

test('a query', async () => {
  const [{ data }] = await only(9, page, { group });
  assert.equal(data.scalingGroup.groupId, group);
});

test('an error in the data', async () => {
  const [{ data, errors }] = await only(9, wrong, { group });
  assert.equal(code(errors), 'BAD_USER_INPUT');
  assert.equal(data.scalingGroup.activities, null);
});

test('changes, and since', async () => {
  const [first, second] = (await only(2, changes, variables)).map(({ data }) => checkChange(data));
  const again = await only(resumed, changes, { ...variables, since: first.cursor });
  checkResumed(again, first, second);
});

test('a refused subscription', async () => {
  await assert.rejects(only(1, refused), (errors) => code(errors) === 'BAD_USER_INPUT');
});

test('an invalid document', async () => {
  await assert.rejects(only(1, '{ nothing }'), (errors) => code(errors) === 'GRAPHQL_VALIDATION_FAILED');
});

test('a wrong token', async () => {
  const connectionParams = { 'X-Auth-Token': 'wrong' };
  await assert.rejects(only(1, changes, variables, { connectionParams }), (errors) => code(errors) === 'UNAUTHENTICATED');
});

run('graphql-ws');
