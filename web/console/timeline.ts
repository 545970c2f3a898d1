import type { Client } from '@urql/core'
import { useEffect, useMemo, useState } from 'react'
import { timelineQuery, type Change, type GroupRef, type TimelineNode, type TimelineVariables } from './documents'
import { failed } from './words'

const stretch = 500
const stretches = 4

/** Steps of one group, the oldest first, in columns as the plot wants them. */
export interface Steps {
  times: number[] // seconds
  actual: number[]
  desired: number[]
  failures: number[] // seconds
  /** Where drawing begins although the period begins earlier; undefined where all of it is there. */
  cutAt?: number
}

/**
 * useTimeline reads a group's steps since a time, at most 2000 of them, and goes on with the changes that are handed to it. It is undefined
 * while it is read, and has an error where it cannot be.
 */
export function useTimeline(client: Client, group: GroupRef, since: string | undefined, changes: Change[]) {
  const [nodes, setNodes] = useState<Map<string, TimelineNode>>()
  const [cut, setCut] = useState(false)
  const [error, setError] = useState<string>()

  useEffect(() => {
    let gone = false
    const read = async () => {
      const found = new Map<string, TimelineNode>()
      let after: string | null = null
      let more = true
      for (let i = 0; i < stretches && more; i++) {
        const variables: TimelineVariables = {
          group: group.groupId,
          project: group.projectId,
          region: group.region,
          filter: since ? { startTime: since } : {},
          first: stretch,
          after,
        }
        const result = await client.query(timelineQuery, variables, { requestPolicy: 'network-only' }).toPromise()
        if (gone) return
        const connection = result.data?.scalingGroup?.activities
        if (!connection) return setError(result.error?.graphQLErrors[0]?.message ?? 'The server cannot be reached.')
        for (const node of connection.nodes) found.set(node.id, node)
        more = connection.pageInfo.hasNextPage
        after = connection.pageInfo.endCursor
      }
      setCut(more)
      setNodes(found)
    }
    setError(undefined)
    setNodes(undefined)
    void read()
    return () => {
      gone = true
    }
  }, [client, group, since])

  useEffect(() => {
    setNodes((known) => {
      if (!known) return known
      const grown = new Map(known)
      for (const { activity } of changes) if (activity.group.groupId === group.groupId) grown.set(activity.id, activity)
      return grown
    })
  }, [changes, group])

  const steps = useMemo(() => nodes && stepsOf([...nodes.values()], cut), [nodes, cut])
  return { steps, error }
}

/** stepsOf puts activities in the order of time. Changes of load balancers count no instances. */
export function stepsOf(nodes: TimelineNode[], cut: boolean): Steps {
  const steps: Steps = { times: [], actual: [], desired: [], failures: [] }
  const sorted = nodes.toSorted((a, b) => (a.startTime < b.startTime ? -1 : 1))
  for (const node of sorted) {
    const time = Date.parse(node.startTime) / 1000
    if (failed(node.outcome)) steps.failures.push(time)
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
