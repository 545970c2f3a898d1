import { Histogram } from './Histogram'
import { Problem } from './Problem'
import type { Filter, GroupRef } from './documents'
import { t, timeZoneName } from './language'
import { insightsQuery, type Cause, type InsightsVariables } from './panelDocuments'
import { periods, type Place } from './place'
import { messageOf } from './retry'
import { useQuery } from './useRead'
import { dayAndTimeOf } from './words'

interface Props {
  place: Place
  groups: GroupRef[]
  filter: Filter
  nameOf: (groupId: string) => string
  change: (part: Partial<Place>) => void
}

/** Insights has the figures over the period, which are read only while they are shown. */
export function Insights(props: Props) {
  const { place, change } = props
  return (
    <section className="insights" aria-label={t('insights')}>
      <button type="button" className="fold" aria-expanded={place.insights} onClick={() => change({ insights: !place.insights })}>
        {t('insights')}
      </button>
      {place.insights && <Figures {...props} />}
    </section>
  )
}

const reread = 60_000

/** Figures shows failures by cause and activities over time: of the groups and the period, whatever status and types the list is filtered by. */
function Figures({ place, groups, filter: { startTime, endTime }, nameOf, change }: Props) {
  const period: Filter = { ...(startTime ? { startTime } : {}), ...(endTime ? { endTime } : {}) }
  const { data, failure } = useQuery(
    insightsQuery,
    { groups, filter: period, interval: intervalOf(place, Date.now()), timeZone: timeZoneName() },
    ({ scalingInsights }) => scalingInsights,
    reread,
  )
  return (
    <div aria-busy={!data && !failure}>
      {failure && <Problem failure={failure} />}
      {!data && !failure && <p className="quiet">{t('feed.loading')}</p>}
      {data && (
        <>
          <p className="quiet">
            {t('insights.count', { count: data.activityCount, time: dayAndTimeOf(data.asOf) })}{' '}
            {!data.complete && data.oldest && t('insights.incomplete', { time: dayAndTimeOf(data.oldest) })}
          </p>
          {data.unavailableGroups.map(({ group, code, message, retryable }) => (
            <p className="problem" key={group.id}>
              <b>{nameOf(group.groupId)}</b> {t('feed.missing')} {messageOf({ code, message, retryable })} <code>{code}</code>
            </p>
          ))}
          <div className="figures">
            <Histogram buckets={data.histogram} />
            <Causes causes={data.failures} nameOf={nameOf} show={(activity) => change({ activity })} />
          </div>
        </>
      )}
    </div>
  )
}

const hour = 3_600_000
const longestByMinute = 6 * hour
const longestByHour = 40 * 24 * hour

/** intervalOf chooses buckets so that a period has a few hundred of them at most. */
function intervalOf({ period, since, until }: Place, now: number): InsightsVariables['interval'] {
  const range = since ? (until ? Date.parse(until) : now) - Date.parse(since) : Number.POSITIVE_INFINITY
  const length = period === 'range' ? range : periods[period].length
  return length <= longestByMinute ? 'MINUTE' : length <= longestByHour ? 'HOUR' : 'DAY'
}

function Causes({ causes, nameOf, show }: { causes: Cause[]; nameOf: Props['nameOf']; show: (activity: string) => void }) {
  return (
    <section className="causes">
      <h3>{t('insights.causes')}</h3>
      {causes.length === 0 && <p className="quiet">{t('strip.fine')}</p>}
      <ol>
        {causes.map(({ key, code, reason, count, activityCount, groups, lastSeen, example }) => (
          <li key={key}>
            <b>{reason}</b> {code && <code>{code}</code>}
            <p className="quiet">
              {t('insights.cause', { count, activities: activityCount, time: dayAndTimeOf(lastSeen) })}{' '}
              {groups.map(({ groupId }) => nameOf(groupId)).join(', ')}{' '}
              <button type="button" className="copy" onClick={() => show(example.id)}>
                {t('insights.example')}
              </button>
            </p>
          </li>
        ))}
      </ol>
    </section>
  )
}
