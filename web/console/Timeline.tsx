import type { Client } from '@urql/core'
import { useEffect, useState } from 'react'
import { Strip } from './Strip'
import type { Change, GroupRef } from './documents'
import { periods, writeGroup, type Period } from './place'
import { useTimeline } from './timeline'

interface Props {
  client: Client
  groups: GroupRef[]
  names: (group: GroupRef) => string
  period: Period
  since: string | undefined
  changes: Change[]
  theme: string
}

/** Timeline is a strip for each group over one stretch of time. */
export function Timeline({ client, groups, names, period, since, changes, theme }: Props) {
  const [oldest, setOldest] = useState<Record<string, number>>({})
  const [now, setNow] = useState(() => Date.now() / 1000)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 5000)
    return () => clearInterval(timer)
  }, [])
  const length = periods[period].length / 1000
  const reach = groups.map((group) => oldest[writeGroup(group)]).filter((time) => time !== undefined)
  const from = Number.isFinite(length) ? now - length : Math.min(now - 3600, ...reach)
  return (
    <section className="timeline" aria-label="Instances over time">
      <div className="legend" aria-hidden="true">
        <span className="key-actual">instances</span>
        <span className="key-desired">desired</span>
        <span className="key-failed">failure</span>
      </div>
      {groups.map((group, i) => (
        <GroupStrip
          key={writeGroup(group)}
          client={client}
          group={group}
          name={names(group)}
          since={since}
          changes={changes}
          theme={theme}
          from={from}
          to={now}
          last={i === groups.length - 1}
          onOldest={(time) => setOldest((known) => (known[writeGroup(group)] === time ? known : { ...known, [writeGroup(group)]: time }))}
        />
      ))}
    </section>
  )
}

interface StripProps {
  client: Client
  group: GroupRef
  name: string
  since: string | undefined
  changes: Change[]
  theme: string
  from: number
  to: number
  last: boolean
  onOldest: (time: number) => void
}

function GroupStrip({ client, group, name, since, changes, theme, from, to, last, onOldest }: StripProps) {
  const { steps, error } = useTimeline(client, group, since, changes)
  const begin = steps?.times[0]
  useEffect(() => {
    if (begin !== undefined) onOldest(begin)
  })
  return <Strip name={name} steps={steps} error={error} from={from} to={to} theme={theme} last={last} />
}
