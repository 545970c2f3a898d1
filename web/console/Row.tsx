import { useId, type KeyboardEvent } from 'react'
import { DetailsOf } from './DetailsOf'
import type { Activity } from './documents'
import { t } from './language'
import { causeOf, duration, outcomeWord, timeOf, typeWord } from './words'

interface Props {
  activity: Activity
  name: string
  reason?: string | undefined // why it failed
  fresh: boolean // started while the page was open
  open: boolean
  toggle: (id: string) => void
}

/** Row is one activity: what was done and why, and apart from that how it ended. Its details are requested only if it is open. */
export function Row({ activity, name, reason, fresh, open, toggle }: Props) {
  const panel = useId()
  const { outcome, direction, instanceValue, desireValue } = activity
  return (
    <li className={fresh ? 'row fresh' : 'row'} data-outcome={outcome} data-type={activity.type} data-id={activity.id}>
      <button type="button" aria-expanded={open} aria-controls={panel} onClick={() => toggle(activity.id)} onKeyDown={walk}>
        <time dateTime={activity.startTime}>{timeOf(activity.startTime)}</time>
        <span className="mark" aria-hidden="true" />
        <span className="what">
          {typeWord(activity.type, activity.rawType)}
          <span className="why">{causeOf(activity)}</span>
          {reason && <span className="reason">{reason}</span>}
        </span>
        <span className="change" data-direction={direction}>
          {direction !== 'NONE' && instanceValue !== null && desireValue !== null && (
            <>
              {instanceValue}
              <span aria-hidden="true"> → </span>
              <span className="visually-hidden"> {t('row.to')} </span>
              {desireValue}
            </>
          )}
        </span>
        <span className="where">{name}</span>
        <span className="outcome">{outcomeWord(activity)}</span>
        <span className="took">{activity.durationSeconds === null ? '' : duration(activity.durationSeconds)}</span>
      </button>
      <div id={panel} hidden={!open}>
        {open && <DetailsOf activity={activity} />}
      </div>
    </li>
  )
}

/** walk moves the focus between rows by the arrow keys. */
function walk(event: KeyboardEvent<HTMLButtonElement>) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (!step) return
  const rows = [...document.querySelectorAll<HTMLButtonElement>('.row > button')]
  const next = rows[rows.indexOf(event.currentTarget) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}
