import { readSettings, type Settings } from '../shared/settings'

// The one place for what all tabs share: the credential, and the project and groups that fill the variables of the same name.

export interface Connection {
  token: string
  project: string
  /** Group ids, the first of which fills `$group`; all of them fill `$groups`. */
  groups: string[]
}

export const settings: Settings = readSettings()

const key = `scalegraph:${settings.demo ? 'demo' : 'cloud'}:connection`

/** readConnection returns what the tab last used with this kind of upstream. It is kept in sessionStorage only. */
export function readConnection(): Connection {
  const known = settings.groups.slice(1, 4).map((group) => group.groupId)
  const initial = { token: settings.token, project: '', groups: known }
  try {
    return { ...initial, ...(JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<Connection>) }
  } catch {
    return initial
  }
}

export function writeConnection(connection: Connection) {
  sessionStorage.setItem(key, JSON.stringify(connection))
}

/** credentialOf returns the header that identifies the caller; a header of the same name in the editor of a tab replaces it. */
export function credentialOf({ token }: Connection): Record<string, string> {
  if (!token) return {}
  if (settings.header !== 'Authorization') return { 'X-Auth-Token': token }
  return { Authorization: token.startsWith('Bearer ') ? token : `Bearer ${token}` }
}

/** variablesOf returns values for the variables that an operation declares and the tab leaves out. */
export function variablesOf({ project, groups }: Connection, declared: string[], given: Record<string, unknown>): Record<string, unknown> {
  const offered: Record<string, unknown> = {
    group: groups[0],
    project: project || undefined,
    groups: groups.map((groupId) => ({ groupId, ...(project ? { projectId: project } : {}) })),
  }
  const missing = declared.filter((name) => offered[name] !== undefined && given[name] === undefined)
  return { ...Object.fromEntries(missing.map((name) => [name, offered[name]])), ...given }
}

/** storage keeps GraphiQL's tabs for each kind of upstream apart, so that those of the demo do not appear on a real one. */
export const storage = {
  get length() {
    return ownKeys().length
  },
  getItem: (name: string) => localStorage.getItem(prefix + name),
  setItem: (name: string, value: string) => localStorage.setItem(prefix + name, value),
  removeItem: (name: string) => localStorage.removeItem(prefix + name),
  clear: () => ownKeys().forEach((name) => localStorage.removeItem(name)),
}

const prefix = `scalegraph:${settings.demo ? 'demo' : 'cloud'}:`
const ownKeys = () => Object.keys(localStorage).filter((name) => name.startsWith(prefix))
