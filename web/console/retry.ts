import type { AnyVariables, Client, DocumentInput, OperationResult } from '@urql/core'
import { filter, pipe, subscribe, take } from 'wonka'
import { hasText, t } from './language'
import { sleep } from './wake'

// All repeated requests of the console are made here: there is one backoff, and one rule for what is worth repeating.

const shortest = 1000
const longest = 30_000

export interface Failure {
  code: string
  message: string
  retryable: boolean
  retryAfterSeconds?: number
}

/** failureOf returns the first error of a result; undefined if it has none. Requests without a GraphQL response can be repeated. */
export function failureOf(result: Pick<OperationResult, 'error'>): Failure | undefined {
  const { error } = result
  if (!error) return undefined
  const first = error.graphQLErrors[0]
  if (!first) return { code: 'NETWORK', message: t('error.NETWORK'), retryable: true }
  const { code, retryable, retryAfterSeconds } = first.extensions as { code?: string; retryable?: boolean; retryAfterSeconds?: number }
  return { code: code ?? '', message: first.message, retryable: retryable === true, ...(retryAfterSeconds ? { retryAfterSeconds } : {}) }
}

/** messageOf returns a failure in the user's language. The server's own message names the argument or group that is meant. */
export function messageOf(failure: Failure): string {
  const key = `error.${failure.code}`
  return hasText(key) ? t(key) : failure.message
}

/** Backoff waits between attempts: 1 s at first, doubled up to 30 s, less a random part of up to one half. */
export class Backoff {
  #next = shortest

  reset() {
    this.#next = shortest
  }

  /** wait ends when the next attempt is due. A failure that is not retryable waits for retryNow. It rejects if the signal is aborted. */
  async wait(failure: Failure, signal: AbortSignal): Promise<void> {
    const jittered = this.#next * (0.5 + Math.random() / 2)
    this.#next = Math.min(2 * this.#next, longest)
    const pause = Math.max(jittered, (failure.retryAfterSeconds ?? 0) * 1000)
    await sleep(failure.retryable ? pause : undefined, signal)
  }
}

/**
 * query repeats a query until `select` finds what it asks for, and reports each failure, then undefined. It returns undefined if the
 * signal is aborted.
 */
export async function query<Data, Variables extends AnyVariables, T>(
  client: Client,
  document: DocumentInput<Data, Variables>,
  variables: Variables,
  select: (data: Data) => T | null | undefined,
  signal: AbortSignal,
  report: (failure: Failure | undefined) => void,
): Promise<T | undefined> {
  const backoff = new Backoff()
  try {
    for (;;) {
      const result = await attempt(client, document, variables, signal)
      const found = result.data ? select(result.data) : undefined
      if (found !== null && found !== undefined) {
        report(undefined)
        return found
      }
      const failure = failureOf(result) ?? { code: 'NOT_FOUND', message: t('error.NOT_FOUND'), retryable: false }
      report(failure)
      await backoff.wait(failure, signal)
    }
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}

/** attempt sends a query once. If the signal is aborted, it ends the request and rejects. */
function attempt<Data, Variables extends AnyVariables>(
  client: Client,
  document: DocumentInput<Data, Variables>,
  variables: Variables,
  signal: AbortSignal,
): Promise<OperationResult<Data, Variables>> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const settled = new AbortController()
    const { unsubscribe } = pipe(
      client.query(document, variables, { requestPolicy: 'network-only' }),
      filter((result) => !result.stale && !result.hasNext),
      take(1),
      subscribe((result) => {
        settled.abort()
        resolve(result)
      }),
    )
    const end = () => {
      unsubscribe()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', end, { signal: settled.signal })
  })
}
