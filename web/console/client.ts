import { Client, fetchExchange, type Exchange } from '@urql/core'
import { pipe, tap } from 'wonka'
import { base } from '../shared/settings'
import { costExchange } from './costs'
import { failureOf } from './retry'
import { noteAccess, requestOptions } from './session'

/** accessExchange records whether the server accepts the token. */
const accessExchange: Exchange =
  ({ forward }) =>
  (operations) => {
    const began = new Map<number, number>()
    return pipe(
      operations,
      tap((operation) => {
        if (operation.kind === 'teardown') began.delete(operation.key)
        else began.set(operation.key, performance.now())
      }),
      forward,
      tap((result) => {
        if (failureOf(result)?.code === 'UNAUTHENTICATED') noteAccess(false)
        else if (result.data) noteAccess(true, began.get(result.operation.key))
      }),
    )
  }

/** client sends all requests of the console. Subscriptions are server-sent events over fetch, because only fetch can send a header. */
export const client = new Client({
  url: `${base}/graphql`,
  preferGetMethod: false,
  fetchSubscriptions: true,
  fetchOptions: requestOptions,
  exchanges: [accessExchange, costExchange, fetchExchange],
})
