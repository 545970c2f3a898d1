// What the server writes into a data block of its pages. It is public.

export interface Group {
  groupId: string
  name?: string
}

export interface Settings {
  /** Whether the upstream is the embedded demo. */
  demo: boolean
  /** The token of the demo; empty for a real upstream. */
  token: string
  /** The header in which callers identify themselves: X-Auth-Token or Authorization. */
  header: string
  /** Groups to start with. */
  groups: Group[]
}

export function readSettings(): Settings {
  const text = document.getElementById('settings')?.textContent ?? '{}'
  return { demo: false, token: '', header: 'X-Auth-Token', groups: [], ...(JSON.parse(text) as Partial<Settings>) }
}

/** base is the path below which the server is reached: empty, or a prefix that a proxy adds. The page is at base/console or base/graphiql. */
export const base = location.pathname.replace(/\/(?:console|graphiql)?\/*$/, '')
