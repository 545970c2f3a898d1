import { useState } from 'react'
import { Popover } from './Popover'
import type { GroupNode, GroupRef } from './documents'
import { groupLimit } from './groups'
import { hasText, t } from './language'
import { readGroup, writeGroup, type Place } from './place'
import { messageOf, type Failure } from './retry'

const chips = 8 // chosen groups that are named beside the picker

interface Props {
  place: Place
  change: (part: Partial<Place>) => void
  known: GroupNode[] | undefined
  failure: Failure | undefined
  name: (group: GroupRef) => string
}

/** Groups chooses what is shown: groups of the project by name, the whole project, or any group by its id. */
export function Groups({ place, change, known, failure, name }: Props) {
  const [open, setOpen] = useState(false)
  const chosen = place.groups
  const remove = (group: GroupRef) => change({ groups: chosen.filter((other) => writeGroup(other) !== writeGroup(group)) })
  const count = place.project ? t('groups.project') : known ? t('groups.count', { chosen: chosen.length, total: known.length }) : t('groups.chosen', { chosen: chosen.length })
  return (
    <section className="groups" aria-label={t('groups')}>
      <Popover className="picker" summary={<b>{count}</b>} open={open} setOpen={setOpen}>
        <Picker place={place} change={change} known={known} failure={failure} />
      </Popover>
      {!place.project &&
        chosen.slice(0, chips).map((group) => (
          <label key={writeGroup(group)} className="chip" title={writeGroup(group)}>
            <input type="checkbox" checked onChange={() => remove(group)} />
            {name(group)}
          </label>
        ))}
      {!place.project && chosen.length > chips && <span className="quiet">+{chosen.length - chips}</span>}
    </section>
  )
}

function Picker({ place, change, known, failure }: Omit<Props, 'name'>) {
  const [search, setSearch] = useState('')
  const chosen = place.project ? [] : place.groups // the project is one choice: a group that is checked takes its place
  const keys = new Set(chosen.map(writeGroup))
  const toggle = (groupId: string) => {
    const others = chosen.filter((group) => writeGroup(group) !== groupId)
    change({ project: false, groups: keys.has(groupId) ? others : [...chosen, { groupId }] })
  }
  const wanted = search.trim().toLowerCase()
  const found = (known ?? []).filter((group) => (group.details?.name ?? group.groupId).toLowerCase().includes(wanted))
  return (
    <div className="panel">
      <input type="search" aria-label={t('groups.search')} placeholder={t('groups.search')} value={search} onChange={(event) => setSearch(event.target.value)} />
      {failure && <p className="problem">{messageOf(failure)}</p>}
      {known && (
        <label className="choice">
          <input type="checkbox" checked={place.project} onChange={() => change({ project: !place.project })} />
          <b>{t('groups.project')}</b>
        </label>
      )}
      {known && known.length > groupLimit && <p className="quiet">{t('groups.limit', { limit: groupLimit })}</p>}
      <ul>
        {found.map((group) => (
          <li key={group.id}>
            <label className="choice">
              <input type="checkbox" checked={keys.has(group.groupId)} onChange={() => toggle(group.groupId)} />
              <span>{group.details?.name ?? group.groupId}</span>
              <GroupState group={group} />
            </label>
          </li>
        ))}
      </ul>
      {known && found.length === 0 && <p className="quiet">{t('groups.match')}</p>}
      <AddById add={(group) => keys.has(writeGroup(group)) || change({ project: false, groups: [...chosen, group] })} />
    </div>
  )
}

function GroupState({ group: { details } }: { group: GroupNode }) {
  if (!details) return null
  const key = `group.${details.status}`
  const { currentInstances: current, minInstances: min, maxInstances: max } = details
  return (
    <small data-status={details.status}>
      {hasText(key) ? t(key) : details.status}
      {current !== null && min !== null && max !== null && ` · ${t('groups.size', { current, min, max })}`}
    </small>
  )
}

function AddById({ add }: { add: (group: GroupRef) => void }) {
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState(false)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const group = readGroup(text)
        setWrong(!group)
        if (!group) return
        setText('')
        add(group)
      }}
    >
      <input aria-label={t('groups.add')} aria-invalid={wrong} placeholder="project/group-id" value={text} onChange={(event) => setText(event.target.value)} spellCheck={false} />
      <button type="submit">{t('groups.add.button')}</button>
      {wrong && (
        <p className="quiet" role="alert">
          {t('groups.add.wrong')}
        </p>
      )}
    </form>
  )
}
