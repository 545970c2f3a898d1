import { periods, type Period, type Place } from './place'
import { statusWords, typeWords } from './words'

type Type = keyof typeof typeWords
type Status = keyof typeof statusWords

/** Filters narrow the feed: period, status and types, and at which end it begins. */
export function Filters({ place, change }: { place: Place; change: (part: Partial<Place>) => void }) {
  const toggle = (type: Type) =>
    change({ types: place.types.includes(type) ? place.types.filter((t) => t !== type) : [...place.types, type] })
  return (
    <form className="filters" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
      <label>
        <span>Period</span>
        <select value={place.period} onChange={(event) => change({ period: event.target.value as Period })}>
          {Object.entries(periods).map(([key, { label }]) => (
            <option key={key} value={key}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Status</span>
        <select value={place.status} onChange={(event) => change({ status: event.target.value as Status | '' })}>
          <option value="">Any</option>
          {Object.entries(statusWords).map(([key, label]) => (
            <option key={key} value={key}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Begin at</span>
        <select value={place.from} onChange={(event) => change({ from: event.target.value as Place['from'] })}>
          <option value="newest">Newest</option>
          <option value="oldest">Oldest</option>
        </select>
      </label>
      <details className="types">
        <summary>
          <span>Types</span>
          <b>{place.types.length === 0 ? 'All' : `${place.types.length} of ${Object.keys(typeWords).length}`}</b>
        </summary>
        <fieldset>
          <legend className="visually-hidden">Types</legend>
          {(Object.entries(typeWords) as [Type, string][]).map(([type, label]) => (
            <label key={type}>
              <input type="checkbox" checked={place.types.includes(type)} onChange={() => toggle(type)} />
              {label}
            </label>
          ))}
          {place.types.length > 0 && (
            <button type="button" onClick={() => change({ types: [] })}>
              All types
            </button>
          )}
        </fieldset>
      </details>
    </form>
  )
}
