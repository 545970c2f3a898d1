import { useEffect, useState } from 'react'
import { base } from '../shared/settings'
import { LanguageSwitch } from './LanguageSwitch'
import { Popover } from './Popover'
import { setZone, t, useLocale, type Zone } from './language'
import { acceptToken, settings, useSession } from './session'

/** Header has the links, the credential, and what the user may choose for all views: time zone, language and colours. */
export function Header({ theme, toggleTheme }: { theme: string; toggleTheme: () => void }) {
  const { zone } = useLocale()
  return (
    <header>
      <a className="mark-word" href={`${base}/console`}>
        <svg viewBox="0 0 32 20" aria-hidden="true">
          <path d="M1 17h8v-7h8v4h6V3h8" />
          <circle cx="23" cy="3" r="2.6" />
        </svg>
        scalegraph
      </a>
      {settings.demo && (
        <span className="badge" title={t('demo.title')}>
          {t('demo')}
        </span>
      )}
      <nav>
        <a href={`${base}/graphiql`}>GraphiQL</a>
        <a href={`${base}/schema.graphql`}>{t('skip')}</a>
      </nav>
      <TokenBox />
      <select aria-label={t('zone')} value={zone} onChange={(event) => setZone(event.target.value as Zone)}>
        <option value="local">{t('zone.local')}</option>
        <option value="UTC">UTC</option>
      </select>
      <LanguageSwitch />
      <button type="button" className="theme" onClick={toggleTheme} aria-label={theme === 'dark' ? t('theme.light') : t('theme.dark')}>
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <circle cx="10" cy="10" r="7" />
          <path d="M10 3a7 7 0 0 1 0 14z" />
        </svg>
      </button>
    </header>
  )
}

/** TokenBox takes a token. It opens by itself if the server no longer accepts the current one. */
function TokenBox() {
  const session = useSession()
  const [open, setOpen] = useState(false)
  const [text, setText] = useState('')
  const [keep, setKeep] = useState(session.stored)
  useEffect(() => {
    if (session.expired) setOpen(true)
  }, [session.expired])
  return (
    <Popover className="token" summary={t('token')} open={open} setOpen={setOpen}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          acceptToken(text.trim(), keep)
          setText('')
          setOpen(false)
        }}
      >
        {session.expired && (
          <p className="problem" role="alert">
            {t('token.expired')}
          </p>
        )}
        <label>
          <span>{settings.header === 'Authorization' ? t('token.key') : t('token.iam')}</span>
          <input type="password" autoComplete="off" value={text} onChange={(event) => setText(event.target.value)} />
        </label>
        <label className="choice">
          <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.target.checked)} />
          <span>{t('token.keep')}</span>
        </label>
        <p className="quiet">{t('token.memory')}</p>
        <button type="submit">{t('token.use')}</button>
      </form>
    </Popover>
  )
}
