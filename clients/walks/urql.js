// urql 5 with graphcache and relayPagination.
import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { backward, forward, group, headers, size, url, walkFeed, walkGroup } from './log.js';

const pages = () => relayPagination({ mergeMode: 'outwards' });
const store = () => cacheExchange({
  keys: { PageInfo: () => null, ScalingActivityConnection: () => null, ScalingActivityEdge: () => null },
  resolvers: { Query: { scalingActivities: pages() }, ScalingGroup: { activities: pages() } },
});

function walker(query, variables, pick) {
  const client = new Client({ url, preferGetMethod: false, fetchOptions: { headers }, exchanges: [store(), fetchExchange] });
  let list;
  // An empty page, at the head, would be asked for again: network-only passes it by.
  const load = async (page) => {
    const result = await client.query(query, { ...variables, ...page }, { requestPolicy: 'network-only' }).toPromise();
    if (result.error) throw result.error;
    return (list = pick(result.data));
  };
  return {
    start: load,
    next: () => load({ first: size, after: list.edges.at(-1).cursor }),
    previous: () => load({ last: size, before: list.edges[0].cursor }),
    stored: () => new Set(list.edges.map((edge) => edge.node.id)).size,
  };
}

const byGroup = () => walker(walkGroup, { group }, (data) => data.scalingGroup.activities);
const byFeed = () => walker(walkFeed, { groups: [{ groupId: group }] }, (data) => data.scalingActivities);

await forward('urql, one group,', byGroup());
await backward('urql, one group,', byGroup());
await forward('urql, merged feed,', byFeed());
await backward('urql, merged feed,', byFeed());
