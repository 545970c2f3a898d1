import { Client, fetchExchange, type Exchange } from '@urql/core'
import { pipe, tap } from 'wonka'
import { base } from '../shared/settings'
import { costExchange } from './costs'
import { failureOf } from './retry'
import { noteAccess, requestOptions } from './session'

/** accessExchange records whether the server accepts the token. */
const accessExchange: Exchange =
  ({ forward }) =>
  (operations) =>
    pipe(
      forward(operations),
      tap((result) => {
        if (failureOf(result)?.code === 'UNAUTHENTICATED') noteAccess(false)
        else if (result.data) noteAccess(true)
      }),
    )

/** client sends all requests of the console. Subscriptions are server-sent events over fetch, because only fetch can send a header. */
export const client = new Client({
  url: `${base}/graphql`,
  preferGetMethod: false,
  fetchSubscriptions: true,
  fetchOptions: requestOptions,
  exchanges: [accessExchange, costExchange, fetchExchange],
})
