// Apollo Client 4 with relayStylePagination.
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { backward, forward, group, headers, size, url, walkFeed, walkGroup } from './log.js';

const cache = () => new InMemoryCache({
  typePolicies: {
    Query: { fields: { scalingActivities: relayStylePagination(['groups', 'filter']) } },
    ScalingGroup: { fields: { activities: relayStylePagination(['filter']) } },
  },
});

function walker(query, variables, pick) {
  const client = new ApolloClient({ link: new HttpLink({ uri: url, headers }), cache: cache() });
  const document = gql(query);
  let watched;
  const list = () => pick(client.readQuery({ query: document, variables: watched.variables })); // as the store has it
  const more = async (page) => {
    await watched.fetchMore({ variables: { first: undefined, last: undefined, ...page } });
    return list();
  };
  return {
    async start(page) {
      watched = client.watchQuery({ query: document, variables: { ...variables, ...page } });
      await new Promise((resolve, reject) => {
        watched.subscribe((result) => {
          if (result.error) reject(result.error);
          else if (!result.loading) resolve();
        });
      });
      return list();
    },
    next: () => more({ first: size, after: list().pageInfo.endCursor }),
    previous: () => more({ last: size, before: list().edges[0].cursor }),
    stored: () => Object.keys(client.cache.extract()).filter((key) => key.startsWith('ScalingActivity:')).length,
  };
}

const byGroup = () => walker(walkGroup, { group }, (data) => data.scalingGroup.activities);
const byFeed = () => walker(walkFeed, { groups: [{ groupId: group }] }, (data) => data.scalingActivities);

await forward('Apollo Client, one group,', byGroup());
await backward('Apollo Client, one group,', byGroup());
await forward('Apollo Client, merged feed,', byFeed());
await backward('Apollo Client, merged feed,', byFeed());
