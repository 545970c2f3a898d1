import type { Activity } from './documents'

// How the console says what the API says.

type Type = Activity['type']

export const typeWords: Record<Exclude<Type, 'UNKNOWN'>, string> = {
  NORMAL: 'Scaling action',
  DIFF: 'Count corrected',
  ELB_CHECK_DELETE: 'Failed health check',
  AUDIT_CHECK_DELETE: 'Failed server audit',
  MANUAL_ADD: 'Added by hand',
  MANUAL_REMOVE: 'Removed by hand',
  MANUAL_DELETE: 'Deleted by hand',
  MODIFY_ELB: 'Load balancers changed',
  ENTER_STANDBY: 'To standby',
  EXIT_STANDBY: 'Back from standby',
}

/** typeWord is a type in words; one that is too new for us is said as it was sent. */
export const typeWord = (type: Type, raw: string) => (type === 'UNKNOWN' ? raw : (typeWords[type] ?? raw))

export const outcomeWords: Record<Activity['outcome'], string> = {
  IN_PROGRESS: 'Running',
  SUCCEEDED: 'Succeeded',
  PARTIALLY_FAILED: 'Partly failed',
  FAILED: 'Failed',
  UNKNOWN: 'Unknown',
}

export const statusWords = { DOING: 'Running', SUCCESS: 'Succeeded', FAIL: 'Failed' } as const

export const failed = (outcome: Activity['outcome']) => outcome === 'FAILED' || outcome === 'PARTIALLY_FAILED'

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })

export const timeOf = (instant: string) => clock.format(new Date(instant))
export const dayOf = (instant: string) => date.format(new Date(instant))

export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`
  return `${Math.floor(seconds / 3600)}h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')}m`
}

export function bytes(n: number): string {
  return n < 1024 ? `${n} B` : n < 1024 * 1024 ? `${(n / 1024).toFixed(1)} kB` : `${(n / 1024 / 1024).toFixed(1)} MB`
}

/** reasonOf says why a group scaled: the policy, or what else set it off. */
export function reasonOf(activity: Activity): string {
  const reason = activity.reasons[0]
  if (!reason) return ''
  if (reason.scalingPolicyName) return reason.scalingPolicyName
  const word = reason.changeReason.replace('MANNUAL', 'MANUAL').replaceAll('_', ' ').toLowerCase()
  return word === activity.type.replaceAll('_', ' ').toLowerCase() ? '' : word
}
