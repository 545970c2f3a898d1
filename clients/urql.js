import assert from 'node:assert/strict';
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import { filter, pipe, scan, take, toPromise } from 'wonka';
import WebSocket from 'ws';
import { changes, checkChange, checkResumed, checkDeferred, checkFirst, code, deferred, group, page, refused, resumed, run, socket, test, url, variables } from './program.js';

// A response that urql has no more use for is aborted while urql itself waits for its next chunk, and nobody catches that.
process.on('unhandledRejection', (error) => {
  if (error.name !== 'AbortError') throw error;
});

const byHTTP = () => new Client({ url, exchanges: [fetchExchange], preferGetMethod: false, fetchSubscriptions: true });

function bySocket() {
  const ws = createClient({ url: socket, webSocketImpl: WebSocket, retryAttempts: 0 });
  const forwardSubscription = (request) => ({
    subscribe: (sink) => ({ unsubscribe: ws.subscribe({ ...request, query: request.query ?? '' }, sink) }),
  });
  return new Client({ url, exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription })] });
}

const gather = (n, source) => pipe(source, take(n), scan((all, result) => [...all, result], []), filter((all) => all.length === n), toPromise);

test('a query', async () => {
  const { data, error } = await byHTTP().query(page, { group }).toPromise();
  assert.ifError(error);
  assert.equal(data.scalingGroup.groupId, group);
});

test('@defer', async () => {
  const seen = [];
  await new Promise((resolve, reject) => {
    byHTTP().query(deferred, { group }).subscribe((result) => {
      if (result.error) reject(result.error);
      seen.push(structuredClone(result.data));
      if (!result.hasNext) resolve();
    });
  });
  checkFirst(seen[0]);
  checkDeferred(seen.at(-1));
});

for (const [name, client] of [['server-sent events', byHTTP], ['WebSocket', bySocket]]) {
  test(`changes by ${name}, and since`, async () => {
    const [first, second] = (await gather(2, client().subscription(changes, variables))).map(({ data, error }) => {
      assert.ifError(error);
      return checkChange(data);
    });
    const again = await gather(resumed, client().subscription(changes, { ...variables, since: first.cursor }));
    checkResumed(again, first, second);
  });

  test(`a refused subscription by ${name}`, async () => {
    const [{ error }] = await gather(1, client().subscription(refused, {}));
    assert.equal(code(error.graphQLErrors), 'BAD_USER_INPUT');
  });
}

run('urql');
