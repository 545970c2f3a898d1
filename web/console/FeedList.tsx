import type { Client } from '@urql/core'
import { Fragment, useEffect, useRef } from 'react'
import { Row } from './Row'
import type { Connection } from './documents'
import type { Feed } from './feed'
import { dayOf } from './words'

interface Props {
  client: Client
  feed: Feed
  name: (groupId: string) => string
  started: string // rows that began later came while somebody looked
  reload: () => void
}

/** FeedList is the merged feed; more is read as its ends come into sight. */
export function FeedList({ client, feed, name, started, reload }: Props) {
  const { edges, page, loading, error } = feed
  const missing = page?.unavailableGroups ?? []
  return (
    <section className="feed" aria-label="Activities" aria-busy={loading !== ''}>
      <p className="tally" role="status">
        {page ? `${edges.length.toLocaleString()} of ${page.totalCount.toLocaleString()} activities` : 'Reading …'}
        {page?.stale && <em> · the upstream fails; this is a kept copy of {new Date(page.asOf).toLocaleTimeString()}</em>}
      </p>
      {missing.map(({ group, code, message }) => (
        <p className="problem" key={group.id}>
          <b>{name(group.groupId)}</b> is missing here. {message} <code>{code}</code>
        </p>
      ))}
      {error && (
        <p className="problem" role="alert">
          {error}{' '}
          <button type="button" onClick={reload}>
            Try again
          </button>
        </p>
      )}
      {feed.outdated && (
        <p className="notice">
          Activities joined or left this list.{' '}
          <button type="button" onClick={reload}>
            Read it again
          </button>
        </p>
      )}
      {feed.hasNewer && <End className="newer" label="Newer activities" busy={loading === 'newer'} reach={feed.newer} />}
      <ol className="rows">
        {edges.map((edge, i) => (
          <Fragment key={edge.node.id}>
            {startsDay(edges, i) && (
              <li className="day">
                <h3>{dayOf(edge.node.startTime)}</h3>
              </li>
            )}
            <Row client={client} activity={edge.node} name={name(edge.node.group.groupId)} fresh={edge.node.startTime > started} />
          </Fragment>
        ))}
      </ol>
      {feed.hasOlder && <End className="older" label="Older activities" busy={loading === 'older'} reach={feed.older} />}
      {page && !feed.hasOlder && <p className="quiet end">{edges.length > 0 ? 'The oldest activity of this period.' : 'Nothing happened here.'}</p>}
    </section>
  )
}

const startsDay = (edges: Connection['edges'], i: number) =>
  i === 0 || dayOf(edges[i - 1]!.node.startTime) !== dayOf(edges[i]!.node.startTime)

/** End reads on as it comes near the window, and on request for those who do not scroll. */
function End({ className, label, busy, reach }: { className: string; label: string; busy: boolean; reach: () => void }) {
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (busy || !button.current) return
    const watcher = new IntersectionObserver(([entry]) => entry?.isIntersecting && reach(), { rootMargin: '600px 0px' })
    watcher.observe(button.current)
    return () => watcher.disconnect()
  }, [busy, reach])
  return (
    <button type="button" ref={button} className={`more ${className}`} onClick={reach} aria-disabled={busy}>
      {busy ? 'Reading …' : label}
    </button>
  )
}
