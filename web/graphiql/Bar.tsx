import { useState } from 'react'
import { LanguageSwitch } from '../console/LanguageSwitch'
import { t, useLocale } from '../console/language'
import { base } from '../shared/settings'
import { settings, type Connection } from './connection'

interface Props {
  connection: Connection
  change: (connection: Connection) => void
}

/** Bar has the credential, project and groups for all tabs. */
export function Bar({ connection, change }: Props) {
  useLocale()
  const [groups, setGroups] = useState(connection.groups.join(', '))
  return (
    <form className="connection" aria-label={t('graphiql')} onSubmit={(event) => event.preventDefault()}>
      <a className="home" href={`${base}/console`}>
        scale<b>graph</b>
      </a>
      {settings.demo && <span className="badge">{t('demo')}</span>}
      <label>
        <span>{settings.header || 'X-Auth-Token'}</span>
        <input type="password" autoComplete="off" value={connection.token} onChange={(event) => change({ ...connection, token: event.target.value.trim() })} />
      </label>
      <label>
        <span>{t('graphiql.project')}</span>
        <input placeholder={t('graphiql.project.hint')} value={connection.project} onChange={(event) => change({ ...connection, project: event.target.value.trim() })} />
      </label>
      <label className="wide">
        <span>{t('graphiql.groups')}</span>
        <input
          placeholder={t('graphiql.groups.hint')}
          value={groups}
          onChange={(event) => {
            setGroups(event.target.value)
            change({ ...connection, groups: event.target.value.split(/[\s,]+/).filter(Boolean) })
          }}
        />
      </label>
      <LanguageSwitch />
    </form>
  )
}
