import type { Exchange, OperationResult } from '@urql/core'
import { useSyncExternalStore } from 'react'
import { pipe, tap } from 'wonka'

/** The cost of one request, from extensions.explain. */
export interface Cost {
  key: number
  name: string
  at: number
  milliseconds: number
  upstreamCalls: number
  upstreamRows: number
  upstreamBytes: number
  memoryHits: number
  redisHits: number
  coalesced: number
  staleHits: number
  cost: number
}

const limit = 12
let costs: Cost[] = []
let count = 0
const listeners = new Set<() => void>()

/** costExchange records the cost of each query. */
export const costExchange: Exchange =
  ({ forward }) =>
  (operations) => {
    const began = new Map<number, number>()
    return pipe(
      operations,
      tap((operation) => {
        if (operation.kind === 'query') began.set(operation.key, performance.now())
      }),
      forward,
      tap((result) => note(result, began.get(result.operation.key))),
    )
  }

function note(result: OperationResult, began: number | undefined) {
  const explain = result.extensions?.explain as Omit<Cost, 'key' | 'name' | 'at' | 'milliseconds'> | undefined
  if (!explain || began === undefined || result.operation.kind !== 'query') return
  const definition = result.operation.query.definitions.find((d) => d.kind === 'OperationDefinition')
  const name = definition?.kind === 'OperationDefinition' ? (definition.name?.value ?? '') : ''
  costs = [{ key: ++count, name, at: Date.now(), milliseconds: performance.now() - began, ...explain }, ...costs].slice(0, limit)
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** useCosts returns the costs of the last queries, newest first. */
export const useCosts = () => useSyncExternalStore(subscribe, () => costs)
