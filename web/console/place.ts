import type { Filter, GroupRef } from './documents'

// Where the console stands: which groups, which filter. It is kept in the address, so that it can be handed on. Credentials never are.

export type Period = '1h' | '6h' | '1d' | '7d' | 'all'
export type From = 'newest' | 'oldest'

export interface Place {
  groups: GroupRef[]
  types: NonNullable<Filter['types']>
  status: NonNullable<Filter['status']> | ''
  period: Period
  from: From
}

const hour = 3_600_000
export const periods: Record<Period, { label: string; length: number }> = {
  '1h': { label: 'Last hour', length: hour },
  '6h': { label: 'Last 6 hours', length: 6 * hour },
  '1d': { label: 'Last day', length: 24 * hour },
  '7d': { label: 'Last week', length: 7 * 24 * hour },
  all: { label: 'All', length: Number.POSITIVE_INFINITY },
}

/** readGroup reads `group`, `project/group` or `region:project/group`; undefined where the text is none of them. */
export function readGroup(text: string): GroupRef | undefined {
  const parts = /^(?:(?:([^:/\s]+):)?([^:/\s]+)\/)?([^:/\s]+)$/.exec(text.trim())
  if (!parts) return undefined
  const [, region, projectId, groupId] = parts
  return { groupId: groupId!, ...(projectId ? { projectId } : {}), ...(region ? { region } : {}) }
}

/** writeGroup is what readGroup reads; it also serves as the group's key. */
export function writeGroup(group: GroupRef): string {
  const project = group.projectId ? `${group.region ? `${group.region}:` : ''}${group.projectId}/` : ''
  return project + group.groupId
}

export function readPlace(search: string, initial: GroupRef[]): Place {
  const query = new URLSearchParams(search)
  const named = query.getAll('group').flatMap((text) => readGroup(text) ?? [])
  const period = query.get('period') ?? ''
  return {
    groups: query.has('group') ? named : initial,
    types: query.getAll('type') as Place['types'],
    status: (query.get('status') ?? '') as Place['status'],
    period: period in periods ? (period as Period) : '1h',
    from: query.get('from') === 'oldest' ? 'oldest' : 'newest',
  }
}

export function writePlace(place: Place): string {
  const query = new URLSearchParams()
  for (const group of place.groups) query.append('group', writeGroup(group))
  for (const type of place.types) query.append('type', type)
  if (place.status) query.set('status', place.status)
  query.set('period', place.period)
  if (place.from === 'oldest') query.set('from', 'oldest')
  return `?${query.toString().replaceAll('%2F', '/').replaceAll('%3A', ':')}`
}

/** filterOf says a place's filter as the API has it. The period begins at a whole minute. */
export function filterOf(place: Place, now: number): Filter {
  const { length } = periods[place.period]
  const begin = new Date(Math.floor((now - length) / 60_000) * 60_000)
  return {
    ...(Number.isFinite(length) ? { startTime: begin.toISOString() } : {}),
    ...(place.types.length > 0 ? { types: place.types } : {}),
    ...(place.status ? { status: place.status } : {}),
  }
}
