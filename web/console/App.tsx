import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { Costs } from './Costs'
import { Export } from './Export'
import { FeedList } from './FeedList'
import { Filters } from './Filters'
import { Groups } from './Groups'
import { Header } from './Header'
import { Insights } from './Insights'
import { LinkedActivity } from './LinkedActivity'
import { Timeline } from './Timeline'
import type { Activity, Change, GroupNode, GroupRef } from './documents'
import { useFeed, type Feed } from './feed'
import { groupLimit, useGroups } from './groups'
import { t, useLocale } from './language'
import { useLive, type LiveState } from './live'
import { filterOf, type Place } from './place'
import { settings, useSession } from './session'
import { useTheme } from './theme'
import { usePlace } from './usePlace'
import { dayAndTimeOf } from './words'

const known: GroupRef[] = settings.groups.map(({ groupId }) => ({ groupId }))
const initial = known.slice(1, 4) // the first group of the demo is the small sample of the documentation

/** App is the console: it shows the place that the address names. */
export function App() {
  useLocale()
  const [theme, toggleTheme] = useTheme()
  const [place, change] = usePlace(initial)
  const { data: listed, failure } = useGroups()
  const names = useMemo(() => namesOf(listed), [listed])
  const nameOf = (groupId: string) => names.get(groupId) ?? groupId.slice(0, 8)
  const chosen = useChosen(place, listed)
  useEffect(() => {
    document.title = `${t('title')} · scalegraph`
  })
  return (
    <>
      <Header theme={theme} toggleTheme={toggleTheme} />
      <main>
        <h1 className="visually-hidden">{t('title')}</h1>
        <Groups place={place} change={change} known={listed} failure={failure} name={(group) => nameOf(group.groupId)} />
        {place.activity && <LinkedActivity key={place.activity} id={place.activity} name={nameOf} close={() => change({ activity: '' })} />}
        {chosen.length === 0 ? (
          <p className="welcome">{place.project && !listed ? t('feed.loading') : t('groups.none')}</p>
        ) : (
          <View place={place} groups={chosen} change={change} theme={theme} nameOf={nameOf} />
        )}
        <Costs />
      </main>
    </>
  )
}

function namesOf(listed: GroupNode[] | undefined): Map<string, string> {
  const names = new Map(settings.groups.flatMap(({ groupId, name }) => (name ? [[groupId, name]] : [])))
  for (const { groupId, details } of listed ?? []) if (details) names.set(groupId, details.name)
  return names
}

/** useChosen returns the groups of a place. The array stays the same as long as the choice does. */
function useChosen(place: Place, listed: GroupNode[] | undefined): GroupRef[] {
  const chosen = place.project ? (listed ?? []).slice(0, groupLimit).map(({ groupId }) => ({ groupId })) : place.groups.slice(0, groupLimit)
  const key = JSON.stringify(chosen)
  return useMemo(() => chosen, [key])
}

interface ViewProps {
  place: Place
  groups: GroupRef[]
  change: (part: Partial<Place>) => void
  theme: string
  nameOf: (groupId: string) => string
}

/** View shows the timeline and the feed of some groups. */
function View({ place, groups, change, theme, nameOf }: ViewProps) {
  const { period, since, until, status, from } = place
  const types = place.types.join()
  const [openedAt] = useState(Date.now)
  const filter = useMemo(() => filterOf(place, Date.now()), [period, since, until, status, types])
  const matches = useCallback((activity: Activity) => status !== 'PARTLY' || activity.outcome === 'PARTIALLY_FAILED', [status])
  const feed = useFeed(groups, filter, from)
  const [changes, setChanges] = useState<Change[]>([])
  const [open, setOpen] = useState<Set<string>>(() => new Set())
  const toggle = useCallback((id: string) => setOpen((known) => (known.has(id) ? new Set([...known].filter((other) => other !== id)) : new Set([...known, id]))), [])
  const changed = useRef(feed.changed)
  useEffect(() => {
    changed.current = feed.changed
  })
  const live = useLive(groups, (news) => {
    changed.current(news)
    setChanges((before) => [...before.slice(-99), news])
  })
  return (
    <>
      <Timeline
        groups={groups}
        names={(group) => nameOf(group.groupId)}
        period={period}
        filter={filter}
        changes={changes}
        theme={theme}
        inspected={place.inspect}
        inspect={(inspect) => change({ inspect })}
      />
      <Insights place={place} groups={groups} filter={filter} nameOf={nameOf} change={change} />
      <div className="bar">
        <Filters place={place} change={change} />
        <Export groups={groups} filter={filter} matches={matches} />
        <Status live={live} feed={feed} />
      </div>
      <FeedList feed={feed} status={status} name={nameOf} started={`${new Date(openedAt).toISOString().slice(0, 19)}Z`} open={open} toggle={toggle} />
    </>
  )
}

/** Status says how current the page is. The worst of several states is shown. */
function Status({ live, feed }: { live: LiveState; feed: Feed }) {
  const { expired } = useSession()
  const [state, text] = expired
    ? ['expired', t('live.expired')]
    : feed.page?.stale
      ? ['stale', t('live.stale', { time: dayAndTimeOf(feed.page.asOf) })]
      : feed.failure
        ? ['unavailable', t('live.unavailable')]
        : live === 'reconnecting'
          ? ['reconnecting', t('live.reconnecting')]
          : ['live', t('live.on')]
  return (
    <p className="live" data-state={state} role="status">
      {text}
    </p>
  )
}
