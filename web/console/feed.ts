import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { client } from './client'
import { feedQuery, type Activity, type Change, type Connection, type FeedVariables, type Filter, type GroupRef } from './documents'
import type { From } from './place'
import { query, type Failure } from './retry'

const pageSize = 40
const headTries = 8
const headPause = 900
const recoveryPause = 2000

type Edges = Connection['edges']
type Part = 'first' | 'older' | 'newer'

export interface Feed {
  edges: Edges
  /** The last page: totals, age and unavailable groups. */
  page?: Connection
  /** The end at which the rows that are shown were started; a new object for each new list. */
  origin?: { from: From }
  loading: Part | ''
  /** The last failed attempt of the load in progress, which is repeated. */
  failure?: Failure
  hasOlder: boolean
  hasNewer: boolean
  /** Whether rows were added to or removed from the middle of a list that is filtered by status. */
  outdated: boolean
  older: () => void
  newer: () => void
  reload: () => void
  changed: (change: Change) => void
}

/** List is one list of rows under one filter, with the loads and retries that belong to it. */
class List {
  readonly abort = new AbortController()
  readonly expected = new Map<string, number>() // rows that were pushed and are not in a page yet, and how often we have looked
  busy = false
}

/**
 * useFeed reads the merged feed page by page in both directions. If the filter changes, the rows remain until those of the new filter
 * have arrived.
 */
export function useFeed(groups: GroupRef[], filter: Filter, from: From): Feed {
  const first = useMemo<FeedVariables>(
    () => ({ groups, filter, ...(from === 'newest' ? { first: pageSize } : { last: pageSize }) }),
    [groups, filter, from],
  )
  const [round, setRound] = useState(0)
  const list = useMemo(() => new List(), [first, round])
  const [edges, setEdges] = useState<Edges>([])
  const [page, setPage] = useState<Connection>()
  const [origin, setOrigin] = useState<Feed['origin']>()
  const [ends, setEnds] = useState({ older: false, newer: false })
  const [loading, setLoading] = useState<Part | ''>('first')
  const [failure, setFailure] = useState<Failure>()
  const [outdated, setOutdated] = useState(false)
  const reload = useCallback(() => setRound((n) => n + 1), [])

  const fetchPage = useCallback(
    (variables: FeedVariables) => query(client, feedQuery, variables, (data) => data.scalingActivities, list.abort.signal, setFailure),
    [list],
  )
  const load = useCallback(
    async (part: Part, more: Partial<FeedVariables> = {}) => {
      if (list.busy) return
      list.busy = true
      setLoading(part)
      const found = await fetchPage(part === 'first' ? first : { groups: first.groups, filter: first.filter, ...more })
      if (!found || list.abort.signal.aborted) return
      list.busy = false
      setLoading('')
      setPage(found)
      if (part === 'first') setOrigin({ from })
      setEdges((shown) => (part === 'first' ? found.edges : merge(shown, found.edges, part)))
      const { hasNextPage, hasPreviousPage } = found.pageInfo
      setEnds((known) => ({ older: part === 'newer' ? known.older : hasNextPage, newer: part === 'older' ? known.newer : hasPreviousPage }))
    },
    [list, first, from, fetchPage],
  )

  useEffect(() => {
    setOutdated(false)
    setFailure(undefined)
    void load('first')
    return () => list.abort.abort()
  }, [list, load])

  const head = edges[0]?.cursor
  const tail = edges.at(-1)?.cursor
  const older = useCallback(() => {
    if (ends.older && tail) void load('older', { first: pageSize, after: tail })
  }, [load, ends.older, tail])
  const newer = useCallback(() => void (head ? load('newer', { last: pageSize, before: head }) : load('first')), [load, head])

  // A pushed row may be ahead of the pages, so the head is read again, a limited number of times, until the row is in it.
  const [ticks, setTicks] = useState(0)
  useEffect(() => {
    for (const edge of edges) list.expected.delete(edge.node.id)
    if (list.expected.size === 0 || ends.newer) return
    const timer = setTimeout(() => {
      for (const [id, tries] of list.expected) {
        if (tries >= headTries) list.expected.delete(id)
        else list.expected.set(id, tries + 1)
      }
      newer()
      setTicks((n) => n + 1)
    }, headPause)
    return () => clearTimeout(timer)
  }, [list, edges, ends.newer, newer, ticks])

  useRecovery(page, list, first, fetchPage, reload, setPage)

  const newest = edges[0]?.node.startTime ?? ''
  const changed = useCallback(
    ({ activity }: Change) => {
      setEdges((shown) => replace(shown, activity))
      if (filter.types && filter.types.length > 0 && !filter.types.includes(activity.type)) return
      if (filter.endTime && activity.startTime >= filter.endTime) return
      if (filter.status && activity.status !== filter.status) {
        setOutdated((was) => was || filter.status === 'DOING')
        return
      }
      if (activity.startTime >= newest) {
        list.expected.set(activity.id, list.expected.get(activity.id) ?? 0)
        setTicks((n) => n + 1)
      } else if (filter.status) {
        setOutdated(true)
      }
    },
    [filter, list, newest],
  )

  return { edges, page, origin, loading, failure, hasOlder: ends.older, hasNewer: ends.newer, outdated, older, newer, reload, changed }
}

/** useRecovery looks again, ever less often, while a page is stale or lacks groups, and reloads the list when the groups are back. */
function useRecovery(
  page: Connection | undefined,
  list: List,
  first: FeedVariables,
  fetchPage: (variables: FeedVariables) => Promise<Connection | undefined>,
  reload: () => void,
  setPage: (page: Connection) => void,
) {
  const pause = useRef(recoveryPause)
  const missing = page?.unavailableGroups.filter((group) => group.retryable).length ?? 0
  const impaired = page !== undefined && (page.stale || missing > 0)
  useEffect(() => {
    if (!impaired) {
      pause.current = recoveryPause
      return
    }
    const timer = setTimeout(async () => {
      pause.current = Math.min(2 * pause.current, 30_000)
      const found = await fetchPage({ groups: first.groups, filter: first.filter, first: 1 })
      if (!found || list.abort.signal.aborted) return
      if (found.unavailableGroups.filter((group) => group.retryable).length < missing) reload()
      setPage(found)
    }, pause.current * (0.5 + Math.random() / 2))
    return () => clearTimeout(timer)
  }, [page, impaired, missing, list, first, fetchPage, reload, setPage])
}

/** merge adds a page to one end of the list. A row that is in both stays in its place with the content of the page. */
function merge(shown: Edges, page: Edges, part: 'older' | 'newer'): Edges {
  const read = new Map(page.map((edge) => [edge.node.id, edge]))
  const known = new Set(shown.map((edge) => edge.node.id))
  const kept = shown.map((edge) => read.get(edge.node.id) ?? edge)
  const added = page.filter((edge) => !known.has(edge.node.id))
  return part === 'older' ? [...kept, ...added] : [...added, ...kept]
}

function replace(shown: Edges, activity: Activity): Edges {
  const at = shown.findIndex((edge) => edge.node.id === activity.id)
  return at < 0 ? shown : shown.with(at, { ...shown[at]!, node: activity })
}
