import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { readSettings } from '../shared/settings'
import { Costs } from './Costs'
import { FeedList } from './FeedList'
import { Filters } from './Filters'
import { Groups } from './Groups'
import { Header } from './Header'
import { Timeline } from './Timeline'
import { newClient } from './client'
import type { Change, GroupRef } from './documents'
import { useFeed } from './feed'
import { useLive } from './live'
import { filterOf, readPlace, writePlace, type Place } from './place'
import { useTheme } from './theme'

const settings = readSettings()
const known: GroupRef[] = settings.groups.map(({ groupId }) => ({ groupId }))
const initial = known.slice(1, 4) // the first of a demo is the small sample of the documents
const names = new Map(settings.groups.map(({ groupId, name }) => [groupId, name]))
const nameOf = (groupId: string) => names.get(groupId) ?? groupId.slice(0, 8)

/** App is the console. What it shows stands in the address; a reading begins anew whenever that changes. */
export function App() {
  const [theme, toggleTheme] = useTheme()
  const [token, setToken] = useState(settings.token)
  const [place, setPlace] = useState(() => readPlace(location.search, initial))
  const [reading, setReading] = useState(0)
  const change = useCallback((part: Partial<Place>) => setPlace((was) => ({ ...was, ...part })), [])
  useEffect(() => history.replaceState(null, '', writePlace(place)), [place])
  return (
    <>
      <Header theme={theme} toggleTheme={toggleTheme} token={token} setToken={setToken} />
      <main>
        <h1 className="visually-hidden">Scaling activities</h1>
        <Groups known={known} chosen={place.groups} name={(group) => nameOf(group.groupId)} choose={(groups) => change({ groups })} />
        {place.groups.length === 0 ? (
          <p className="welcome">Choose a group, or add one by its id: its activities appear here, and go on appearing as they happen.</p>
        ) : (
          <Reading
            key={`${writePlace(place)} ${token} ${reading}`}
            place={place}
            change={change}
            token={token}
            theme={theme}
            reload={() => setReading((n) => n + 1)}
          />
        )}
      </main>
    </>
  )
}

interface ReadingProps {
  place: Place
  change: (part: Partial<Place>) => void
  token: string
  theme: string
  reload: () => void
}

/** Reading is one look at one place, with a store of its own. */
function Reading({ place, change, token, theme, reload }: ReadingProps) {
  const client = useMemo(() => newClient(() => token), [token])
  const [began] = useState(Date.now)
  const started = useMemo(() => `${new Date(began).toISOString().slice(0, 19)}Z`, [began])
  const filter = useMemo(() => filterOf(place, began), [place, began])
  const feed = useFeed(client, place.groups, filter, place.from)
  const [changes, setChanges] = useState<Change[]>([])
  const changed = useRef(feed.changed)
  useEffect(() => {
    changed.current = feed.changed
  })
  const state = useLive(client, place.groups, (news) => {
    changed.current(news)
    setChanges((before) => [...before.slice(-99), news])
  })
  return (
    <>
      <Timeline
        client={client}
        groups={place.groups}
        names={(group) => nameOf(group.groupId)}
        period={place.period}
        since={filter.startTime ?? undefined}
        changes={changes}
        theme={theme}
      />
      <div className="columns">
        <div>
          <div className="bar">
            <Filters place={place} change={change} />
            <p className="live" data-state={state} role="status">
              {state === 'reconnecting' ? 'Reconnecting …' : 'Live'}
            </p>
          </div>
          <FeedList client={client} feed={feed} name={nameOf} started={started} reload={reload} />
        </div>
        <aside>
          <Costs />
        </aside>
      </div>
    </>
  )
}
