import type { Activity, Filter, GroupRef } from './documents'

// What the console shows: groups, filter and period. It is written into the address, so that every view is a link. Credentials never are.

export type Period = '1h' | '6h' | '1d' | '7d' | 'all' | 'range'
export type From = 'newest' | 'oldest'
export type StatusChoice = '' | 'DOING' | 'SUCCESS' | 'FAIL' | 'PARTLY'

export interface Place {
  groups: GroupRef[]
  /** All groups of the server's project instead of `groups`. */
  project: boolean
  types: NonNullable<Filter['types']>
  status: StatusChoice
  period: Period
  /** The bounds of the period `range`, as instants. */
  since: string
  until: string
  from: From
  /** The id of the one activity that the link is about; empty for none. */
  activity: string
  /** Whether the figures over the period are shown. */
  insights: boolean
  /** The key of the group whose blockers and instances are shown; empty for none. */
  inspect: string
}

const minute = 60_000
const hour = 60 * minute

/** Relative periods start at a multiple of `step`, so that requests within a step are the same and can be served from caches. */
export const periods: Record<Period, { length: number; step: number }> = {
  '1h': { length: hour, step: minute },
  '6h': { length: 6 * hour, step: 5 * minute },
  '1d': { length: 24 * hour, step: 5 * minute },
  '7d': { length: 7 * 24 * hour, step: hour },
  all: { length: Number.POSITIVE_INFINITY, step: minute },
  range: { length: Number.POSITIVE_INFINITY, step: minute },
}

/** readGroup reads `group`, `project/group` or `region:project/group`; undefined if the text is none of them. */
export function readGroup(text: string): GroupRef | undefined {
  const parts = /^(?:(?:([^:/\s]+):)?([^:/\s]+)\/)?([^:/\s]+)$/.exec(text.trim())
  if (!parts) return undefined
  const [, region, projectId, groupId] = parts
  return { groupId: groupId!, ...(projectId ? { projectId } : {}), ...(region ? { region } : {}) }
}

/** writeGroup is the inverse of readGroup. The result is also the key of the group. */
export function writeGroup(group: GroupRef): string {
  const project = group.projectId ? `${group.region ? `${group.region}:` : ''}${group.projectId}/` : ''
  return project + group.groupId
}

const statuses: StatusChoice[] = ['DOING', 'SUCCESS', 'FAIL', 'PARTLY']

const instant = (text: string | null) => (text && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : '')

export function readPlace(search: string, initial: GroupRef[]): Place {
  const query = new URLSearchParams(search)
  const period = query.get('period') ?? ''
  const project = query.get('project') === 'all'
  return {
    groups: query.has('group') ? query.getAll('group').flatMap((text) => readGroup(text) ?? []) : project ? [] : initial,
    project,
    types: query.getAll('type') as Place['types'],
    status: statuses.find((status) => status === query.get('status')) ?? '',
    period: period in periods ? (period as Period) : '1h',
    since: instant(query.get('since')),
    until: instant(query.get('until')),
    from: query.get('from') === 'oldest' ? 'oldest' : 'newest',
    activity: query.get('activity') ?? '',
    insights: query.has('insights'),
    inspect: query.get('inspect') ?? '',
  }
}

export function writePlace(place: Place): string {
  const query = new URLSearchParams()
  if (place.project) query.set('project', 'all')
  else if (place.groups.length === 0) query.set('group', '')
  else for (const group of place.groups) query.append('group', writeGroup(group))
  for (const type of place.types) query.append('type', type)
  if (place.status) query.set('status', place.status)
  query.set('period', place.period)
  if (place.period === 'range' && place.since) query.set('since', place.since)
  if (place.period === 'range' && place.until) query.set('until', place.until)
  if (place.from === 'oldest') query.set('from', 'oldest')
  if (place.activity) query.set('activity', place.activity)
  if (place.insights) query.set('insights', 'shown')
  if (place.inspect) query.set('inspect', place.inspect)
  return `?${query.toString().replaceAll('%2F', '/').replaceAll('%3A', ':')}`
}

/** startOf returns when a period starts; undefined if it has no start. */
function startOf({ period, since }: Place, now: number): string | undefined {
  if (period === 'range') return since || undefined
  const { length, step } = periods[period]
  if (!Number.isFinite(length)) return undefined
  return new Date(Math.floor((now - length) / step) * step).toISOString()
}

/** filterOf returns a place's filter for the API. Partly failed activities have the status SUCCESS there; see `matches`. */
export function filterOf(place: Place, now: number): Filter {
  const startTime = startOf(place, now)
  const status = place.status === 'PARTLY' ? 'SUCCESS' : place.status
  return {
    ...(startTime ? { startTime } : {}),
    ...(place.period === 'range' && place.until ? { endTime: place.until } : {}),
    ...(place.types.length > 0 ? { types: place.types } : {}),
    ...(status ? { status } : {}),
  }
}

/** linkTo returns the address of one activity in the current view. */
export function linkTo(activity: Pick<Activity, 'id'>): string {
  return location.origin + location.pathname + writePlace({ ...readPlace(location.search, []), activity: activity.id })
}
