import { useState } from 'react'

interface Props {
  theme: string
  toggleTheme: () => void
  token: string
  setToken: (token: string) => void
}

/** Header has the name of the place, the way to GraphiQL, the credential and the colours. The credential is kept nowhere. */
export function Header({ theme, toggleTheme, token, setToken }: Props) {
  const [text, setText] = useState(token)
  return (
    <header>
      <a className="mark-word" href="/console">
        <svg viewBox="0 0 32 20" aria-hidden="true">
          <path d="M1 17h8v-7h8v4h6V3h8" />
          <circle cx="23" cy="3" r="2.6" />
        </svg>
        scalegraph
      </a>
      <nav>
        <a href="/graphiql">GraphiQL</a>
        <a href="/schema.graphql">Schema</a>
      </nav>
      <details className="token">
        <summary>Token</summary>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            setToken(text.trim())
          }}
        >
          <label>
            <span>
              IAM token, or <code>Bearer</code> and a key; kept until this page is left
            </span>
            <input type="password" autoComplete="off" value={text} onChange={(event) => setText(event.target.value)} />
          </label>
          <button type="submit">Use it</button>
        </form>
      </details>
      <button type="button" className="theme" onClick={toggleTheme} aria-label={theme === 'dark' ? 'Light colours' : 'Dark colours'}>
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <circle cx="10" cy="10" r="7" />
          <path d="M10 3a7 7 0 0 1 0 14z" />
        </svg>
      </button>
    </header>
  )
}
