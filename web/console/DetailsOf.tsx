import { createRequest, type Client } from '@urql/core'
import { useEffect, useState } from 'react'
import { pipe, subscribe } from 'wonka'
import { detailsQuery, type Activity, type Details } from './documents'

type Instance = NonNullable<Details['failedInstances']>[number]
type Balancer = NonNullable<Details['boundLoadBalancers']>[number]

/** DetailsOf asks for the lists of an activity when it is first shown, and again when the activity has ended meanwhile. */
export function DetailsOf({ client, activity }: { client: Client; activity: Activity }) {
  const [details, setDetails] = useState<Details>()
  const [error, setError] = useState<string>()
  const { id, status } = activity
  useEffect(() => {
    const { unsubscribe } = pipe(
      client.executeQuery(createRequest(detailsQuery, { id }), { requestPolicy: 'network-only' }),
      subscribe((result) => {
        const node = result.data?.node
        setError(result.error?.graphQLErrors[0]?.message ?? (result.error ? 'The server cannot be reached.' : undefined))
        if (node && 'description' in node) setDetails(node)
      }),
    )
    return unsubscribe
  }, [client, id, status])
  return (
    <div className="details" aria-live="polite" aria-busy={!details && !error}>
      {error && <p className="problem">{error}</p>}
      {!details && !error && <p className="quiet">Fetching details …</p>}
      {details && <Lists details={details} running={status === 'DOING'} />}
      <p className="ids">
        <span>log id</span> <code>{activity.logId}</code> <span>group</span> <code>{activity.group.groupId}</code>
      </p>
    </div>
  )
}

function Lists({ details, running }: { details: Details; running: boolean }) {
  const instances: [string, Instance[] | null | undefined][] = [
    ['Failed', details.failedInstances],
    ['Added', details.addedInstances],
    ['Removed', details.removedInstances],
    ['Deleted', details.deletedInstances],
    ['Standby', details.standbyInstances],
  ]
  const balancers: [string, Balancer[] | null | undefined][] = [
    ['Binding failed', details.bindFailedLoadBalancers],
    ['Unbinding failed', details.unbindFailedLoadBalancers],
    ['Bound', details.boundLoadBalancers],
    ['Unbound', details.unboundLoadBalancers],
  ]
  const none = [...instances, ...balancers].every(([, list]) => !list || list.length === 0)
  if (none) return <p className="quiet">{running ? 'Still running: what it did is told when it ends.' : 'It touched no instance and no load balancer.'}</p>
  return (
    <>
      {instances.map(([title, list]) => list && list.length > 0 && <Instances key={title} title={title} list={list} />)}
      {balancers.map(([title, list]) => list && list.length > 0 && <Balancers key={title} title={title} list={list} />)}
    </>
  )
}

function Instances({ title, list }: { title: string; list: Instance[] }) {
  return (
    <section data-bad={title === 'Failed' || undefined}>
      <h4>
        {title} <span>{list.length}</span>
      </h4>
      <ul>
        {list.map((instance, i) => (
          <li key={instance.instanceId ?? i}>
            <b>{instance.instanceName ?? 'unnamed'}</b> <code>{instance.instanceId}</code>
            <Failure of={instance.failure} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Balancers({ title, list }: { title: string; list: Balancer[] }) {
  return (
    <section data-bad={title.endsWith('failed') || undefined}>
      <h4>
        {title} <span>{list.length}</span>
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
      <b>port {protocolPort}</b> weight {weight} <code>{listenerId ?? poolId}</code>
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
          <summary>What the cloud told</summary>
          <pre tabIndex={0}>{laidOut(of.details)}</pre>
        </details>
      )}
    </div>
  )
}

/** laidOut puts JSON on lines of its own; other text stays as it is. */
function laidOut(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
