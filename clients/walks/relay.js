// Relay 21: usePaginationFragment over @connection, with pages fetched again from the group's node.
import { createElement, Suspense } from 'react';
import relay from 'react-relay';
import { act, create } from 'react-test-renderer';
import walkQuery from './__generated__/documentsWalkQuery.graphql.js';
import fragment from './__generated__/documents_activities.graphql.js';
import { backward, forward, group, headers, size, url } from './log.js';

const { RelayEnvironmentProvider, useLazyLoadQuery, usePaginationFragment } = relay;
const { Environment, Network, RecordSource, Store } = await import('relay-runtime').then((m) => m.default ?? m);

globalThis.IS_REACT_ACT_ENVIRONMENT = true;

async function ask({ text }, variables) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query: text, variables }),
  });
  return response.json();
}

function walker() {
  const environment = new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });
  let shown;
  function List({ page }) {
    const data = useLazyLoadQuery(walkQuery, { group, ...page });
    shown = usePaginationFragment(fragment, data.scalingGroup);
    return null;
  }
  const list = () => shown.data.activities;
  const more = async (load) => {
    await act(() => new Promise((resolve, reject) => {
      load(size, { onComplete: (error) => (error ? reject(error) : resolve()) });
    }));
    return list();
  };
  return {
    async start(page) {
      await act(async () => create(createElement(RelayEnvironmentProvider, { environment }, createElement(Suspense, { fallback: null }, createElement(List, { page })))));
      while (!shown) await act(() => new Promise((resolve) => setTimeout(resolve, 10))); // React goes on when an act ends
      return list();
    },
    next: () => more(shown.loadNext),
    previous: () => more(shown.loadPrevious),
    stored: () => environment.getStore().getSource().getRecordIDs()
      .filter((id) => environment.getStore().getSource().get(id).__typename === 'ScalingActivity').length,
  };
}

await forward('Relay,', walker());
await backward('Relay,', walker());
