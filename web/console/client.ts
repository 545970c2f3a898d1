import { cacheExchange } from '@urql/exchange-graphcache'
import { relayPagination } from '@urql/exchange-graphcache/extras'
import { Client, fetchExchange } from '@urql/core'
import { told } from './costs'

const embedded = () => null

/**
 * newClient returns a client with an empty store. Pages of the feed that were asked for with the same groups and filter become one list;
 * newer pages go to its front. Subscriptions are read by fetch as server-sent events, because only fetch can send a header.
 */
export function newClient(token: () => string): Client {
  return new Client({
    url: '/graphql',
    preferGetMethod: false,
    fetchSubscriptions: true,
    fetchOptions: () => ({
      headers: { 'Scalegraph-Explain': '1', ...credential(token()) },
    }),
    exchanges: [
      cacheExchange({
        keys: {
          FailureDetail: embedded,
          LbaasListener: embedded,
          LoadBalancerChange: embedded,
          PageInfo: embedded,
          ScalingActivityChange: embedded,
          ScalingActivityConnection: embedded,
          ScalingActivityEdge: embedded,
          ScalingInstance: embedded,
          ScalingReason: embedded,
          UnavailableGroup: embedded,
        },
        resolvers: {
          Query: { scalingActivities: relayPagination({ mergeMode: 'outwards' }) },
        },
      }),
      told,
      fetchExchange,
    ],
  })
}

/** credential says who calls: an IAM token, or where the server signs by itself `Bearer` and a key. */
function credential(text: string): Record<string, string> {
  if (!text) return {}
  return text.startsWith('Bearer ') ? { Authorization: text } : { 'X-Auth-Token': text }
}
