import { Fragment, useEffect, useLayoutEffect, useRef, type RefObject } from 'react'
import { Problem } from './Problem'
import { Row } from './Row'
import type { Connection } from './documents'
import type { Feed } from './feed'
import { t } from './language'
import type { StatusChoice } from './place'
import { useReasons } from './reasons'
import { messageOf } from './retry'
import { dayOf } from './words'

interface Props {
  feed: Feed
  status: StatusChoice
  name: (groupId: string) => string
  started: string // rows that started later arrived while the page was open
  open: Set<string>
  toggle: (id: string) => void
}

/** FeedList shows the merged feed. More is read when one of its ends comes near the window. */
export function FeedList({ feed, status, name, started, open, toggle }: Props) {
  const { page, loading, failure } = feed
  // The API cannot filter by outcome, so partly failed rows are selected here, and further pages are read only on request.
  const partly = status === 'PARTLY'
  const edges = partly ? feed.edges.filter((edge) => edge.node.outcome === 'PARTIALLY_FAILED') : feed.edges
  const reasons = useReasons(edges)
  const list = useRef<HTMLOListElement>(null)
  useStart(list, feed.origin)
  useHeldPosition(list, edges, feed.origin?.from === 'oldest')
  const problem = failure && <Problem failure={failure} />
  return (
    <section className="feed" aria-label={t('feed')} aria-busy={loading !== ''}>
      <p className="tally" role="status">
        {tally(feed, partly, edges.length)}
      </p>
      {(page?.unavailableGroups ?? []).map(({ group, code, message }) => (
        <p className="problem" key={group.id}>
          <b>{name(group.groupId)}</b> {t('feed.missing')} {messageOf({ code, message, retryable: false })} <code>{code}</code>
        </p>
      ))}
      {loading === 'first' && problem}
      {feed.outdated && (
        <p className="notice">
          {t('feed.outdated')}{' '}
          <button type="button" onClick={feed.reload}>
            {t('feed.reload')}
          </button>
        </p>
      )}
      {feed.hasNewer && <End className="newer" label={t('feed.newer')} busy={loading === 'newer'} reach={feed.newer} manual={partly} />}
      {loading === 'newer' && problem}
      <ol className="rows" ref={list}>
        {edges.map(({ node }, i) => (
          <Fragment key={node.id}>
            {startsDay(edges, i) && (
              <li className="day">
                <h3>{dayOf(node.startTime)}</h3>
              </li>
            )}
            <Row
              activity={node}
              name={name(node.group.groupId)}
              reason={reasons.get(node.id)}
              fresh={node.startTime > started}
              open={open.has(node.id)}
              toggle={toggle}
            />
          </Fragment>
        ))}
      </ol>
      {loading === 'older' && problem}
      {feed.hasOlder && <End className="older" label={t('feed.older')} busy={loading === 'older'} reach={feed.older} manual={partly} />}
      {page && !feed.hasOlder && <p className="quiet end">{edges.length > 0 ? t('feed.last') : t('feed.empty')}</p>}
    </section>
  )
}

function tally({ page, edges }: Feed, partly: boolean, shown: number): string {
  if (!page) return t('feed.loading')
  const total = Math.max(page.totalCount, edges.length)
  return partly ? t('feed.scanned', { shown, scanned: edges.length, total }) : t('feed.count', { shown, total })
}

const startsDay = (edges: Connection['edges'], i: number) =>
  i === 0 || dayOf(edges[i - 1]!.node.startTime) !== dayOf(edges[i]!.node.startTime)

/** useStart scrolls to the oldest row when a list that starts there has its first page. */
function useStart(list: RefObject<HTMLOListElement | null>, origin: Feed['origin']) {
  useLayoutEffect(() => {
    if (origin?.from === 'oldest') list.current?.lastElementChild?.scrollIntoView({ block: 'end' })
  }, [list, origin])
}

/** useHeldPosition keeps the rows in the window where they are if rows are added above them: always, or only if the user has scrolled. */
function useHeldPosition(list: RefObject<HTMLOListElement | null>, edges: Connection['edges'], always: boolean) {
  const before = useRef<{ id: string; offset: number }>(undefined)
  useLayoutEffect(() => {
    const rows = list.current
    const first = edges[0]?.node.id
    if (!rows || !first) return
    const top = rows.getBoundingClientRect().top
    const offsetOf = (id: string) => {
      const row = rows.querySelector(`[data-id="${CSS.escape(id)}"]`)
      return row ? row.getBoundingClientRect().top - top : undefined
    }
    const known = before.current
    const offset = known && known.id !== first ? offsetOf(known.id) : undefined
    if (known && offset !== undefined && (always || top < 0)) scrollBy({ top: offset - known.offset, behavior: 'instant' })
    before.current = { id: first, offset: offsetOf(first) ?? 0 }
  }, [list, edges, always])
}

interface EndProps {
  className: string
  label: string
  busy: boolean
  reach: () => void
  manual: boolean
}

/** End reads further when it comes near the window, or only when it is pressed if it is manual. */
function End({ className, label, busy, reach, manual }: EndProps) {
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (busy || manual || !button.current) return
    const watcher = new IntersectionObserver(([entry]) => entry?.isIntersecting && reach(), { rootMargin: '600px 0px' })
    watcher.observe(button.current)
    return () => watcher.disconnect()
  }, [busy, manual, reach])
  return (
    <button type="button" ref={button} className={`more ${className}`} onClick={reach} aria-disabled={busy}>
      {busy ? t('feed.loading') : label}
    </button>
  )
}
