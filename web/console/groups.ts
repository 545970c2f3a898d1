import { useEffect, useState } from 'react'
import { client } from './client'
import { groupsQuery, type GroupNode } from './documents'
import { query, type Failure } from './retry'

/** The API merges at most this many groups into one feed. */
export const groupLimit = 100

/** useGroups returns the groups that the caller may list, by name; undefined until they have been read. */
export function useGroups(): { groups: GroupNode[] | undefined; failure: Failure | undefined } {
  const [groups, setGroups] = useState<GroupNode[]>()
  const [failure, setFailure] = useState<Failure>()
  useEffect(() => {
    const abort = new AbortController()
    void readGroups(abort.signal, setFailure).then((found) => found && setGroups(found))
    return () => abort.abort()
  }, [])
  return { groups, failure }
}

async function readGroups(signal: AbortSignal, report: (failure: Failure | undefined) => void): Promise<GroupNode[] | undefined> {
  const found: GroupNode[] = []
  let after: string | null = null
  for (;;) {
    const page: GroupPage | undefined = await query(client, groupsQuery, { after }, (data) => data.project?.scalingGroups, signal, report)
    if (!page) return undefined
    found.push(...page.nodes)
    if (!page.pageInfo.hasNextPage) return found
    after = page.pageInfo.endCursor
  }
}

interface GroupPage {
  nodes: GroupNode[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}
