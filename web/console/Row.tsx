import type { Client } from '@urql/core'
import { useId, useState, type KeyboardEvent } from 'react'
import { DetailsOf } from './DetailsOf'
import type { Activity } from './documents'
import { duration, outcomeWords, reasonOf, timeOf, typeWord } from './words'

interface Props {
  client: Client
  activity: Activity
  name: string
  fresh: boolean // came while somebody looked
}

/** Row is one activity. Opening it asks for its details, and nothing before does. */
export function Row({ client, activity, name, fresh }: Props) {
  const [open, setOpen] = useState(false)
  const panel = useId()
  const { outcome, direction, instanceValue, desireValue } = activity
  return (
    <li className={fresh ? 'row fresh' : 'row'} data-outcome={outcome} data-id={activity.id}>
      <button type="button" aria-expanded={open} aria-controls={panel} onClick={() => setOpen(!open)} onKeyDown={walk}>
        <time dateTime={activity.startTime}>{timeOf(activity.startTime)}</time>
        <span className="mark" aria-hidden="true" />
        <span className="what">
          {typeWord(activity.type, activity.rawType)}
          <span className="why">{reasonOf(activity)}</span>
        </span>
        <span className="change" data-direction={direction}>
          {direction !== 'NONE' && instanceValue !== null && desireValue !== null && (
            <>
              {instanceValue}
              <span aria-hidden="true"> → </span>
              <span className="visually-hidden"> to </span>
              {desireValue}
            </>
          )}
        </span>
        <span className="where">{name}</span>
        <span className="outcome">{outcome === 'UNKNOWN' ? activity.status : outcomeWords[outcome]}</span>
        <span className="took">{activity.durationSeconds === null ? '' : duration(activity.durationSeconds)}</span>
      </button>
      <div id={panel} hidden={!open}>
        {open && <DetailsOf client={client} activity={activity} />}
      </div>
    </li>
  )
}

/** walk moves between rows with the arrow keys, as in a list. */
function walk(event: KeyboardEvent<HTMLButtonElement>) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (!step) return
  const rows = [...document.querySelectorAll<HTMLButtonElement>('.row > button')]
  const next = rows[rows.indexOf(event.currentTarget) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}
