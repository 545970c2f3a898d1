import { useState } from 'react'
import type { GroupRef } from './documents'
import { readGroup, writeGroup } from './place'

interface Props {
  known: GroupRef[]
  chosen: GroupRef[]
  name: (group: GroupRef) => string
  choose: (groups: GroupRef[]) => void
}

/** Groups chooses what to look at: from those that are known, or by id. */
export function Groups({ known, chosen, name, choose }: Props) {
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState(false)
  const keys = chosen.map(writeGroup)
  const all = [...known, ...chosen.filter((group) => !known.some((k) => writeGroup(k) === writeGroup(group)))]
  const toggle = (group: GroupRef) => {
    const key = writeGroup(group)
    choose(keys.includes(key) ? chosen.filter((c) => writeGroup(c) !== key) : [...chosen, group])
  }
  const add = () => {
    const group = readGroup(text)
    setWrong(!group)
    if (!group) return
    setText('')
    if (!keys.includes(writeGroup(group))) choose([...chosen, group])
  }
  return (
    <fieldset className="groups">
      <legend>Groups</legend>
      {all.map((group) => (
        <label key={writeGroup(group)} className="chip" title={writeGroup(group)}>
          <input type="checkbox" checked={keys.includes(writeGroup(group))} onChange={() => toggle(group)} />
          {name(group)}
        </label>
      ))}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          add()
        }}
      >
        <input
          aria-label="Add a group by its id"
          aria-invalid={wrong}
          placeholder="project/group id"
          value={text}
          onChange={(event) => setText(event.target.value)}
          spellCheck={false}
        />
        <button type="submit">Add</button>
      </form>
    </fieldset>
  )
}
