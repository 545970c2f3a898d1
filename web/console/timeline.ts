import { useEffect, useMemo, useState } from 'react'
import { client } from './client'
import { timelineQuery, type Change, type Filter, type GroupRef, type TimelineConnection, type TimelineNode } from './documents'
import { query, type Failure } from './retry'

const pageSize = 500
const maxPages = 4

/** Steps of one group, the oldest first, in columns as the plot wants them. */
export interface Steps {
  times: number[] // seconds
  actual: number[]
  desired: number[]
  failures: number[] // seconds, failed and partly failed
  failed: number
  partly: number
  /** The start of what was read if the period starts earlier; undefined if all of it was read. */
  cutAt?: number
}

/**
 * useTimeline reads a group's steps in a period, at most 2000 of them, and adds the changes that are passed to it. The steps are
 * undefined until they have been read.
 */
export function useTimeline(group: GroupRef, since: string | undefined, until: string | undefined, changes: Change[]) {
  const [nodes, setNodes] = useState<Map<string, TimelineNode>>()
  const [cut, setCut] = useState(false)
  const [failure, setFailure] = useState<Failure>()

  useEffect(() => {
    const abort = new AbortController()
    const filter: Filter = { ...(since ? { startTime: since } : {}), ...(until ? { endTime: until } : {}) }
    const read = async () => {
      const found = new Map<string, TimelineNode>()
      let after: string | null = null
      let more = true
      for (let i = 0; i < maxPages && more; i++) {
        const connection: TimelineConnection | undefined = await query(
          client,
          timelineQuery,
          { group: group.groupId, project: group.projectId, region: group.region, filter, first: pageSize, after },
          (data) => data.scalingGroup?.activities,
          abort.signal,
          setFailure,
        )
        if (!connection) return
        for (const node of connection.nodes) found.set(node.id, node)
        more = connection.pageInfo.hasNextPage
        after = connection.pageInfo.endCursor
      }
      setCut(more)
      setNodes(found)
    }
    void read()
    return () => abort.abort()
  }, [group, since, until])

  useEffect(() => {
    setNodes((known) => {
      if (!known) return known
      const grown = new Map(known)
      for (const { activity } of changes) {
        const within = (!since || activity.startTime >= since) && (!until || activity.startTime < until)
        if (activity.group.groupId === group.groupId && within) grown.set(activity.id, activity)
      }
      return grown
    })
  }, [changes, group, since, until])

  const steps = useMemo(() => nodes && stepsOf([...nodes.values()], cut), [nodes, cut])
  return { steps, failure }
}

/** stepsOf sorts activities by time. Changes of load balancers have no instance counts. */
export function stepsOf(nodes: TimelineNode[], cut: boolean): Steps {
  const steps: Steps = { times: [], actual: [], desired: [], failures: [], failed: 0, partly: 0 }
  const sorted = nodes.toSorted((a, b) => (a.startTime < b.startTime ? -1 : 1))
  for (const node of sorted) {
    const time = Date.parse(node.startTime) / 1000
    if (node.outcome === 'FAILED') steps.failed++
    if (node.outcome === 'PARTIALLY_FAILED') steps.partly++
    if (node.outcome === 'FAILED' || node.outcome === 'PARTIALLY_FAILED') steps.failures.push(time)
    if (node.type === 'MODIFY_ELB' || node.instanceValue === null || node.desireValue === null) continue
    if (steps.times.at(-1) === time) {
      steps.desired[steps.times.length - 1] = node.desireValue
      continue
    }
    steps.times.push(time)
    steps.actual.push(node.instanceValue)
    steps.desired.push(node.desireValue)
  }
  if (cut) steps.cutAt = steps.times[0]
  return steps
}
