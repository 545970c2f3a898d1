import type { Activity } from './documents'
import { format, hasText, t } from './language'

// The words for what the API returns, in the current language.

type Type = Activity['type']

export const types = [
  'NORMAL', 'DIFF', 'ELB_CHECK_DELETE', 'AUDIT_CHECK_DELETE', 'MANUAL_ADD', 'MANUAL_REMOVE', 'MANUAL_DELETE', 'MODIFY_ELB', 'ENTER_STANDBY', 'EXIT_STANDBY',
] as const

/** typeWord names what was done. A type that this release does not know is shown as the cloud sent it. */
export function typeWord(type: Type, raw: string): string {
  const key = `type.${type}`
  return hasText(key) ? t(key) : raw
}

export const outcomeWord = ({ outcome, rawStatus }: Activity) => (outcome === 'UNKNOWN' ? rawStatus : t(`outcome.${outcome}`))

const time = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const

export const timeOf = (instant: string) => format(time).format(new Date(instant))
export const dayOf = (instant: string) => format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }).format(new Date(instant))
export const dayAndTimeOf = (instant: string) => format({ ...time, day: 'numeric', month: 'short' }).format(new Date(instant))

export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`
  return `${Math.floor(seconds / 3600)}h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')}m`
}

export function bytes(n: number): string {
  return n < 1024 ? `${n} B` : n < 1024 * 1024 ? `${(n / 1024).toFixed(1)} kB` : `${(n / 1024 / 1024).toFixed(1)} MB`
}

/** causeOf says why a group scaled: the policy, the check that failed, or the reason that the cloud sent; empty if the type says it. */
export function causeOf(activity: Activity): string {
  const key = `cause.${activity.type}`
  if (hasText(key)) return t(key)
  const reason = activity.reasons[0]
  if (!reason) return ''
  if (reason.scalingPolicyName) return reason.scalingPolicyName
  const word = reason.changeReason.replace('MANNUAL', 'MANUAL').replaceAll('_', ' ').toLowerCase()
  if (word === activity.type.replaceAll('_', ' ').toLowerCase()) return ''
  return word === 'manual' ? t('row.manual') : word
}
