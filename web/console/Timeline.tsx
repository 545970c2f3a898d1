import { useEffect, useState } from 'react'
import { GroupPanel } from './GroupPanel'
import { Strip } from './Strip'
import type { Change, Filter, GroupRef } from './documents'
import { t } from './language'
import { periods, writeGroup, type Period } from './place'
import { useTimeline } from './timeline'

const collapsed = 4 // strips that leave the feed in sight

interface Props {
  groups: GroupRef[]
  names: (group: GroupRef) => string
  period: Period
  filter: Filter
  changes: Change[]
  theme: string
  /** The key of the group whose panel is open. */
  inspected: string
  inspect: (key: string) => void
}

/** Timeline has one strip for each group, all over the same period. Only the first few are read and shown until the user wants all. */
export function Timeline({ groups, names, period, filter, changes, theme, inspected, inspect }: Props) {
  const [oldest, setOldest] = useState<Record<string, number>>({})
  const [all, setAll] = useState(() => groups.findIndex((group) => writeGroup(group) === inspected) >= collapsed)
  const [now, setNow] = useState(() => Date.now() / 1000)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 5000)
    return () => clearInterval(timer)
  }, [])
  const shown = all ? groups : groups.slice(0, collapsed)
  const since = filter.startTime ?? undefined
  const until = filter.endTime ?? undefined
  const to = until ? Date.parse(until) / 1000 : now
  const { length } = periods[period]
  const reach = shown.map((group) => oldest[writeGroup(group)]).filter((time) => time !== undefined)
  const from = Number.isFinite(length) ? now - length / 1000 : since ? Date.parse(since) / 1000 : Math.min(to - 3600, ...reach)
  return (
    <section className="timeline" aria-label={t('timeline')}>
      <div className="legend" aria-hidden="true">
        <span className="key-actual">{t('timeline.instances')}</span>
        <span className="key-desired">{t('timeline.desired')}</span>
        <span className="key-failed">{t('timeline.failure')}</span>
      </div>
      {shown.map((group, i) => (
        <GroupStrip
          key={writeGroup(group)}
          group={group}
          name={names(group)}
          since={since}
          until={until}
          changes={changes}
          theme={theme}
          from={from}
          to={to}
          last={i === shown.length - 1}
          inspected={inspected === writeGroup(group)}
          inspect={inspect}
          onOldest={(time) => setOldest((known) => (known[writeGroup(group)] === time ? known : { ...known, [writeGroup(group)]: time }))}
        />
      ))}
      {groups.length > collapsed && (
        <button type="button" className="fold" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('timeline.fewer') : t('timeline.all', { count: groups.length })}
        </button>
      )}
    </section>
  )
}

interface StripProps {
  group: GroupRef
  name: string
  since: string | undefined
  until: string | undefined
  changes: Change[]
  theme: string
  from: number
  to: number
  last: boolean
  inspected: boolean
  inspect: (key: string) => void
  onOldest: (time: number) => void
}

function GroupStrip({ group, name, since, until, changes, theme, from, to, last, inspected, inspect, onOldest }: StripProps) {
  const { steps, failure } = useTimeline(group, since, until, changes)
  const start = steps?.times[0]
  useEffect(() => {
    if (start !== undefined) onOldest(start)
  })
  const toggle = () => inspect(inspected ? '' : writeGroup(group))
  return (
    <>
      <Strip name={name} steps={steps} failure={failure} from={from} to={to} theme={theme} last={last} inspected={inspected} inspect={toggle} />
      {inspected && <GroupPanel group={group} name={name} />}
    </>
  )
}
