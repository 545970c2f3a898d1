import { useState } from 'react'
import { Popover } from './Popover'
import { fromInput, t, toInput } from './language'
import { periods, type Period, type Place, type StatusChoice } from './place'
import { typeWord, types } from './words'

type Type = (typeof types)[number]

const statuses = ['DOING', 'SUCCESS', 'FAIL', 'PARTLY'] as const

/** Filters choose what the feed contains: period, status and types, and the end at which it starts. */
export function Filters({ place, change }: { place: Place; change: (part: Partial<Place>) => void }) {
  const choosePeriod = (period: Period) => {
    const hourAgo = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000).toISOString()
    change(period === 'range' && !place.since ? { period, since: hourAgo } : { period })
  }
  return (
    <form className="filters" aria-label={t('filter')} onSubmit={(event) => event.preventDefault()}>
      <label>
        <span>{t('period')}</span>
        <select value={place.period} onChange={(event) => choosePeriod(event.target.value as Period)}>
          {(Object.keys(periods) as Period[]).map((period) => (
            <option key={period} value={period}>
              {t(`period.${period}`)}
            </option>
          ))}
        </select>
      </label>
      {place.period === 'range' && (
        <>
          <Instant label={t('range.since')} value={place.since} choose={(since) => change({ since })} />
          <Instant label={t('range.until')} value={place.until} choose={(until) => change({ until })} />
        </>
      )}
      <label>
        <span>{t('status')}</span>
        <select value={place.status} onChange={(event) => change({ status: event.target.value as StatusChoice })}>
          <option value="">{t('status.any')}</option>
          {statuses.map((status) => (
            <option key={status} value={status}>
              {t(`status.${status}`)}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{t('start')}</span>
        <select value={place.from} onChange={(event) => change({ from: event.target.value as Place['from'] })}>
          <option value="newest">{t('start.newest')}</option>
          <option value="oldest">{t('start.oldest')}</option>
        </select>
      </label>
      <Types chosen={place.types} choose={(chosen) => change({ types: chosen })} />
    </form>
  )
}

function Instant({ label, value, choose }: { label: string; value: string; choose: (instant: string) => void }) {
  return (
    <label>
      <span>{label}</span>
      <input type="datetime-local" value={value && toInput(value)} onChange={(event) => choose(fromInput(event.target.value) ?? '')} />
    </label>
  )
}

function Types({ chosen, choose }: { chosen: Place['types']; choose: (types: Place['types']) => void }) {
  const [open, setOpen] = useState(false)
  const toggle = (type: Type) => choose(chosen.includes(type) ? chosen.filter((other) => other !== type) : [...chosen, type])
  const summary = (
    <>
      <span>{t('types')}</span>
      <b>{chosen.length === 0 ? t('types.all') : t('types.some', { count: chosen.length, total: types.length })}</b>
    </>
  )
  return (
    <Popover className="types" summary={summary} open={open} setOpen={setOpen}>
      <fieldset>
        <legend className="visually-hidden">{t('types')}</legend>
        {types.map((type) => (
          <label key={type}>
            <input type="checkbox" checked={chosen.includes(type)} onChange={() => toggle(type)} />
            {typeWord(type, type)}
          </label>
        ))}
        {chosen.length > 0 && (
          <button type="button" onClick={() => choose([])}>
            {t('types.clear')}
          </button>
        )}
      </fieldset>
    </Popover>
  )
}
