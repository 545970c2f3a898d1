import { client } from './client'
import { feedQuery, type Activity, type Connection, type Filter, type GroupRef } from './documents'
import { query } from './retry'

// Exports are made in the browser: pages of the feed become lines of a file, whose last line says whether it is complete.

export type Format = 'csv' | 'ndjson'

export interface Exported {
  rows: number
  total: number
  complete: boolean
  lines: string[]
}

const pageSize = 200

const columns: Record<string, (activity: Activity) => string | number | null> = {
  startTime: (a) => a.startTime,
  endTime: (a) => a.endTime,
  durationSeconds: (a) => a.durationSeconds,
  groupId: (a) => a.group.groupId,
  logId: (a) => a.logId,
  type: (a) => a.rawType,
  status: (a) => a.rawStatus,
  outcome: (a) => a.outcome,
  direction: (a) => a.direction,
  instanceValue: (a) => a.instanceValue,
  desireValue: (a) => a.desireValue,
  scalingValue: (a) => a.scalingValue,
  changeReason: (a) => a.reasons[0]?.changeReason ?? null,
  scalingPolicyName: (a) => a.reasons[0]?.scalingPolicyName ?? null,
}

/** exportFeed reads all rows that match, newest first, and reports the progress after each page. If the signal is aborted, the result is incomplete. */
export async function exportFeed(
  format: Format,
  groups: GroupRef[],
  filter: Filter,
  matches: (activity: Activity) => boolean,
  signal: AbortSignal,
  progress: (read: number, total: number) => void,
): Promise<Exported> {
  const lines: string[] = format === 'csv' ? [Object.keys(columns).join(',')] : []
  let after: string | null = null
  let [rows, read, total, whole, more] = [0, 0, 0, true, true]
  while (more && !signal.aborted) {
    const page: Connection | undefined = await query(
      client,
      feedQuery,
      { groups, filter, first: pageSize, after },
      (data) => data.scalingActivities,
      signal,
      () => undefined,
    )
    if (!page) break
    const matching = page.edges.map((edge) => edge.node).filter(matches)
    lines.push(...matching.map(format === 'csv' ? csvLine : jsonLine))
    rows += matching.length
    read += page.edges.length
    total = Math.max(page.totalCount, read)
    whole &&= page.unavailableGroups.length === 0
    more = page.pageInfo.hasNextPage
    after = page.pageInfo.endCursor
    progress(read, total)
  }
  const complete = !more && whole
  lines.push(format === 'csv' ? `# complete: ${complete}, rows: ${rows}` : JSON.stringify({ complete, rows }))
  return { rows, total, complete, lines }
}

const jsonLine = (activity: Activity) => JSON.stringify(Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, value(activity)])))

const csvLine = (activity: Activity) => Object.values(columns).map((value) => csvCell(value(activity))).join(',')

/** csvCell quotes a value. A text that a spreadsheet would take for a formula starts with an apostrophe. */
export function csvCell(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** save offers lines as a file to download. */
export function save(lines: string[], format: Format) {
  const type = format === 'csv' ? 'text/csv;charset=utf-8' : 'application/x-ndjson'
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([lines.join('\n'), '\n'], { type }))
  link.download = `scaling-activities-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${format}`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
