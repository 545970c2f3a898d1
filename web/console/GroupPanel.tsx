import { useState } from 'react'
import { Problem } from './Problem'
import { client } from './client'
import type { GroupRef } from './documents'
import { hasText, t } from './language'
import { blockersQuery, instancesQuery, type Blocker, type GroupInstance } from './panelDocuments'
import { writeGroup } from './place'
import { query } from './retry'
import { readPages, useQuery, useRead } from './useRead'
import { dayAndTimeOf } from './words'

const reread = 30_000

/** GroupPanel shows why a group is not scaling, and its instances with their health. Both are read again while it is open. */
export function GroupPanel({ group, name }: { group: GroupRef; name: string }) {
  return (
    <section className="group-panel" aria-label={name}>
      <Blockers group={group} />
      <Instances group={group} />
    </section>
  )
}

const variablesOf = ({ groupId, projectId, region }: GroupRef) => ({ group: groupId, project: projectId, region })

function Blockers({ group }: { group: GroupRef }) {
  const { data, failure } = useQuery(blockersQuery, variablesOf(group), ({ scalingGroup }) => scalingGroup?.scalingBlockers, reread)
  return (
    <section className="blockers">
      <h3>{t('blockers')}</h3>
      {failure && <Problem failure={failure} />}
      {!data && !failure && <p className="quiet">{t('feed.loading')}</p>}
      {data?.length === 0 && <p>{t('blockers.none')}</p>}
      <ul>
        {data?.map((blocker, i) => (
          <BlockerLine key={i} blocker={blocker} />
        ))}
      </ul>
    </section>
  )
}

function BlockerLine({ blocker: { code, message, until, policy } }: { blocker: Blocker }) {
  return (
    <li>
      <b>{t(`blocker.${code}`)}</b> {policy && t('blockers.policy', { name: policy.name })} {until && t('blockers.until', { time: dayAndTimeOf(until) })}
      <p className="quiet" lang="en">
        {message}
      </p>
    </li>
  )
}

const few = 10 // instances that are shown until the user wants all

function Instances({ group }: { group: GroupRef }) {
  const [all, setAll] = useState(false)
  const { data, failure } = useRead(
    writeGroup(group),
    (signal, report) =>
      readPages((after) => query(client, instancesQuery, { ...variablesOf(group), after }, ({ scalingGroup }) => scalingGroup?.instances, signal, report)),
    reread,
  )
  const unhealthy = data?.filter(({ health }) => health === 'ERROR') ?? []
  const others = data?.filter(({ health }) => health !== 'ERROR') ?? []
  const sorted = [...unhealthy, ...others]
  return (
    <section className="instances">
      <h3>{t('instances')}</h3>
      {failure && <Problem failure={failure} />}
      {!data && !failure && <p className="quiet">{t('feed.loading')}</p>}
      {data && <p className="quiet">{t('instances.count', { count: data.length, unhealthy: unhealthy.length })}</p>}
      <ul>
        {(all ? sorted : sorted.slice(0, few)).map((instance, i) => (
          <InstanceLine key={instance.instanceId ?? i} instance={instance} />
        ))}
      </ul>
      {sorted.length > few && (
        <button type="button" className="fold" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('instances.fewer') : t('instances.all', { count: sorted.length })}
        </button>
      )}
    </section>
  )
}

function InstanceLine({ instance }: { instance: GroupInstance }) {
  const { instanceId, instanceName, health, rawHealth, lifecycleState, rawLifecycleState, protectedFromScaleIn, configurationName, joinedAt } = instance
  const [state, check] = [`lifecycle.${lifecycleState}`, `health.${health}`]
  return (
    <li data-health={health}>
      <b>{instanceName ?? t('details.unnamed')}</b> <span className="health">{hasText(check) ? t(check) : rawHealth}</span>
      {` · ${hasText(state) ? t(state) : rawLifecycleState}`}
      {protectedFromScaleIn && ` · ${t('instances.protected')}`}
      <span className="quiet">
        {joinedAt && t('instances.joined', { time: dayAndTimeOf(joinedAt) })} {configurationName} <code>{instanceId}</code>
      </span>
    </li>
  )
}
