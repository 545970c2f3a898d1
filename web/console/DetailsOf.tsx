import { Copy } from './Copy'
import { Problem } from './Problem'
import { Reasons } from './Reasons'
import { client } from './client'
import { detailsQuery, type Activity, type Details } from './documents'
import type { ResultOf } from './graphql'
import { t } from './language'
import { linkTo } from './place'
import { query } from './retry'
import { useRead } from './useRead'

type Instance = NonNullable<Details['failedInstances']>[number]
type Balancer = NonNullable<Details['boundLoadBalancers']>[number]

/** DetailsOf requests the details of an activity when it is first shown, and again when the activity has ended meanwhile. */
export function DetailsOf({ activity }: { activity: Activity }) {
  const { id, status } = activity
  const select = ({ node }: ResultOf<typeof detailsQuery>) => (node && 'description' in node ? node : undefined)
  const { data: details, failure } = useRead(`${id} ${status}`, (signal, report) => query(client, detailsQuery, { id }, select, signal, report))
  return (
    <div className="details" aria-live="polite" aria-busy={!details && !failure}>
      {failure && <Problem failure={failure} />}
      {!details && !failure && <p className="quiet">{t('details.loading')}</p>}
      {details && <Reasons details={details} />}
      {details && <Lists details={details} running={status === 'DOING'} />}
      <p className="ids">
        <span>{t('details.log')}</span> <code>{activity.logId}</code> <Copy label={t('copy.id')} text={activity.logId} />{' '}
        <span>{t('details.group')}</span> <code>{activity.group.groupId}</code> <Copy label={t('copy.id')} text={activity.group.groupId} />{' '}
        <Copy label={t('copy.link')} text={linkTo(activity)} />
      </p>
    </div>
  )
}

type ListName = 'Failed' | 'Added' | 'Removed' | 'Deleted' | 'Standby' | 'BindFailed' | 'UnbindFailed' | 'Bound' | 'Unbound'

function Lists({ details, running }: { details: Details; running: boolean }) {
  const instances: [ListName, Instance[] | null | undefined][] = [
    ['Failed', details.failedInstances],
    ['Added', details.addedInstances],
    ['Removed', details.removedInstances],
    ['Deleted', details.deletedInstances],
    ['Standby', details.standbyInstances],
  ]
  const balancers: [ListName, Balancer[] | null | undefined][] = [
    ['BindFailed', details.bindFailedLoadBalancers],
    ['UnbindFailed', details.unbindFailedLoadBalancers],
    ['Bound', details.boundLoadBalancers],
    ['Unbound', details.unboundLoadBalancers],
  ]
  const none = [...instances, ...balancers].every(([, list]) => !list || list.length === 0)
  if (none) return <p className="quiet">{running ? t('details.running') : t('details.nothing')}</p>
  return (
    <>
      {instances.map(([title, list]) => list && list.length > 0 && <Instances key={title} title={title} list={list} />)}
      {balancers.map(([title, list]) => list && list.length > 0 && <Balancers key={title} title={title} list={list} />)}
    </>
  )
}

function Instances({ title, list }: { title: ListName; list: Instance[] }) {
  return (
    <section data-bad={title === 'Failed' || undefined}>
      <h4>
        {t(`details.${title}`)} <span>{list.length}</span>
      </h4>
      <ul>
        {list.map((instance, i) => (
          <li key={instance.instanceId ?? i}>
            <b>{instance.instanceName ?? t('details.unnamed')}</b> <code>{instance.instanceId}</code>
            {instance.instanceConfig && (
              <span className="config">
                {t('details.config')} <code>{instance.instanceConfig}</code>
              </span>
            )}
            <Failure of={instance.failure} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Balancers({ title, list }: { title: ListName; list: Balancer[] }) {
  return (
    <section data-bad={title.endsWith('Failed') || undefined}>
      <h4>
        {t(`details.${title}`)} <span>{list.length}</span>
      </h4>
      <ul>
        {list.map((balancer, i) => (
          <li key={i}>
            {balancer.lbaasListener ? <Listener of={balancer.lbaasListener} /> : <code>{balancer.classicListener}</code>}
            <Failure of={balancer.failure} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Listener({ of: { listenerId, poolId, protocolPort, weight } }: { of: NonNullable<Balancer['lbaasListener']> }) {
  return (
    <>
      <b>{t('details.listener', { port: String(protocolPort) })}</b> {t('details.weight')} {weight} <code>{listenerId ?? poolId}</code>
    </>
  )
}

function Failure({ of }: { of: Instance['failure'] }) {
  if (!of) return null
  return (
    <div className="failure">
      <strong>{of.reason}</strong>
      {of.details && (
        <details>
          <summary>{t('details.cloud')}</summary>
          <pre tabIndex={0}>{indented(of.details)}</pre>
        </details>
      )}
    </div>
  )
}

/** indented formats JSON over several lines; other text is returned unchanged. */
function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
