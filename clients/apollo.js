import assert from 'node:assert/strict';
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { createHash } from 'node:crypto';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { changes, checkChange, checkResumed, checkDeferred, checkFirst, deferred, group, page, refused, resumed, run, test, url, variables } from './program.js';

const accepted = [];
const noted = (input, init) => {
  accepted.push(init.headers.accept);
  return fetch(input, init);
};

function client(incrementalHandler) {
  return new ApolloClient({ link: new HttpLink({ uri: url, fetch: noted }), cache: new InMemoryCache(), incrementalHandler });
}

test('persisted queries: by hash and GET once the server knows them', async () => {
  const sent = [];
  const http = new HttpLink({ uri: url, fetch: (input, init) => (sent.push(init.method), fetch(input, init)) });
  const persisted = new PersistedQueryLink({
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    useGETForHashedQueries: true,
  });
  const link = persisted.concat(http);
  const document = gql(page.replace('Page', `Page${Date.now()}`)); // one that no server knows yet
  for (let i = 0; i < 2; i++) {
    const { data } = await new ApolloClient({ link, cache: new InMemoryCache() }).query({ query: document, variables: { group } });
    assert.equal(data.scalingGroup.groupId, group);
  }
  assert.deepEqual(sent, ['GET', 'POST', 'GET']);
});

const take = (n, observable) => new Promise((resolve, reject) => {
  const results = [];
  const subscription = observable.subscribe({
    next: (result) => {
      results.push(result);
      if (results.length === n) {
        resolve(results);
        setTimeout(() => subscription.unsubscribe());
      }
    },
    error: reject,
    complete: () => resolve(results),
  });
});

test('a query', async () => {
  const { data } = await client().query({ query: gql(page), variables: { group } });
  assert.equal(data.scalingGroup.groupId, group);
});

for (const [name, handler] of [['deferSpec=20220824', Defer20220824Handler], ['incrementalSpec=v0.2', GraphQL17Alpha9Handler]]) {
  test(`@defer by ${name}`, async () => {
    const watched = client(new handler()).watchQuery({ query: gql(deferred), variables: { group } });
    const seen = await new Promise((resolve, reject) => {
      const states = [];
      const subscription = watched.subscribe({
        next: (result) => {
          if (result.error) reject(result.error);
          if (result.data) states.push(result);
          if (result.dataState !== 'complete') return;
          setTimeout(() => subscription.unsubscribe());
          resolve(states);
        },
        error: reject,
      });
    });
    assert.equal(seen[0].dataState, 'streaming');
    checkFirst(seen[0].data);
    checkDeferred(seen.at(-1).data);
    assert.ok(accepted.some((accept) => accept.includes(name)));
  });
}

test('changes in parts, and since', async () => {
  const [first, second] = (await take(2, client().subscribe({ query: gql(changes), variables }))).map(({ data, error }) => {
    assert.ifError(error);
    return checkChange(data);
  });
  const again = await take(resumed, client().subscribe({ query: gql(changes), variables: { ...variables, since: first.cursor } }));
  checkResumed(again, first, second);
  assert.ok(accepted.some((accept) => accept.includes('subscriptionSpec=1.0')));
});

test('a refused subscription ends', async () => {
  const results = await take(9, client().subscribe({ query: gql(refused) }));
  assert.equal(results.length, 1);
  assert.ok(CombinedGraphQLErrors.is(results[0].error));
  assert.equal(results[0].error.errors[0].extensions.code, 'BAD_USER_INPUT');
});

run('Apollo Client');
