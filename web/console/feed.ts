import { createRequest, type Client } from '@urql/core'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { pipe, subscribe } from 'wonka'
import { feedQuery, type Change, type Connection, type FeedVariables, type Filter, type GroupRef } from './documents'
import type { From } from './place'

const pageSize = 40
const headTries = 8
const headPause = 900

export interface Feed {
  edges: Connection['edges']
  /** The last page that was read: totals, age and groups that are missing. */
  page?: Connection
  loading: '' | 'first' | 'older' | 'newer'
  error?: string
  hasOlder: boolean
  hasNewer: boolean
  /** Whether rows have joined or left the middle of a list that is filtered by status. */
  outdated: boolean
  older: () => void
  newer: () => void
  changed: (change: Change) => void
}

/**
 * useFeed reads the merged feed page by page in both directions. The store keeps each row once, whichever page, detail or live change
 * brought it, and the list below follows the store. A client serves one list: its store joins all pages that it has.
 */
export function useFeed(client: Client, groups: GroupRef[], filter: Filter, from: From): Feed {
  const first = useMemo<FeedVariables>(
    () => ({ groups, filter, ...(from === 'newest' ? { first: pageSize } : { last: pageSize }) }),
    [groups, filter, from],
  )
  const [edges, setEdges] = useState<Connection['edges']>([])
  const [page, setPage] = useState<Connection>()
  const [ends, setEnds] = useState({ older: false, newer: false })
  const [loading, setLoading] = useState<Feed['loading']>('first')
  const [error, setError] = useState<string>()
  const [outdated, setOutdated] = useState(false)
  const busy = useRef(false)
  const awaited = useRef(new Map<string, number>()) // rows that were pushed and are not in the list yet, and how often we looked

  const load = useCallback(
    async (what: Exclude<Feed['loading'], ''>, more: Partial<FeedVariables>) => {
      if (busy.current) return
      busy.current = true
      setLoading(what)
      const variables = what === 'first' ? { ...first, ...more } : { groups: first.groups, filter: first.filter, ...more }
      const result = await client.query(feedQuery, variables, { requestPolicy: 'network-only' }).toPromise()
      busy.current = false
      setLoading('')
      const connection = result.data?.scalingActivities
      setError(connection ? undefined : (result.error?.graphQLErrors[0]?.message ?? 'The server cannot be reached.'))
      if (!connection) return
      setPage(connection)
      setEdges(connection.edges)
      setEnds({ older: connection.pageInfo.hasNextPage, newer: connection.pageInfo.hasPreviousPage })
    },
    [client, first],
  )

  useEffect(() => {
    setEdges([])
    setOutdated(false)
    awaited.current.clear()
    void load('first', {})
  }, [load])

  // The list follows the store: a live change or a detail that brings news of a row shows at once.
  const known = edges.length > 0
  useEffect(() => {
    if (!known) return
    const { unsubscribe } = pipe(
      client.executeQuery(createRequest(feedQuery, first), { requestPolicy: 'cache-only' }),
      subscribe((result) => {
        const connection = result.data?.scalingActivities
        if (connection) setEdges((shown) => (connection.edges.length >= shown.length ? connection.edges : shown))
      }),
    )
    return unsubscribe
  }, [client, first, known, edges.length])

  const head = edges[0]?.cursor
  const tail = edges.at(-1)?.cursor
  const older = useCallback(() => {
    if (ends.older && tail) void load('older', { first: pageSize, after: tail })
  }, [load, ends.older, tail])
  const newer = useCallback(() => {
    if (head) void load('newer', { last: pageSize, before: head })
    else void load('first', {})
  }, [load, head])

  // A pushed row may be a moment ahead of the pages, so we look again until it is there.
  const [ticks, setTicks] = useState(0)
  useEffect(() => {
    for (const edge of edges) awaited.current.delete(edge.node.id)
    if (awaited.current.size === 0 || ends.newer) return
    const timer = setTimeout(() => {
      for (const [id, tries] of awaited.current) {
        if (tries >= headTries) awaited.current.delete(id)
        else awaited.current.set(id, tries + 1)
      }
      newer()
      setTicks((n) => n + 1)
    }, headPause)
    return () => clearTimeout(timer)
  }, [edges, ends.newer, newer, ticks])

  const newest = edges[0]?.node.startTime ?? ''
  const changed = useCallback(
    ({ activity }: Change) => {
      if (filter.types && filter.types.length > 0 && !filter.types.includes(activity.type)) return
      if (filter.status && activity.status !== filter.status) {
        setOutdated((was) => was || filter.status === 'DOING')
        return
      }
      if (activity.startTime >= newest) {
        awaited.current.set(activity.id, awaited.current.get(activity.id) ?? 0)
        setTicks((n) => n + 1)
      } else if (filter.status) {
        setOutdated(true)
      }
    },
    [filter, newest],
  )

  return { edges, page, loading, error, hasOlder: ends.older, hasNewer: ends.newer, outdated, older, newer, changed }
}
