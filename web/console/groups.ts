import { client } from './client'
import { groupsQuery, type GroupNode } from './documents'
import { query } from './retry'
import { readPages, useRead, type Reading } from './useRead'

/** The API merges at most this many groups into one feed. */
export const groupLimit = 100

/** useGroups returns the groups that the caller may list, by name. */
export function useGroups(): Reading<GroupNode[]> {
  return useRead('groups', (signal, report) =>
    readPages((after) => query(client, groupsQuery, { after }, (data) => data.project?.scalingGroups, signal, report)),
  )
}
