import { useSyncExternalStore } from 'react'
import { readSettings } from '../shared/settings'
import { retryNow } from './wake'

// The credential, and whether the server still accepts it. It lives in memory, or for the tab if the user wants that; never in an address.

export const settings = readSettings()

const stored = sessionStorage.getItem('token')
let session = { token: stored ?? settings.token, stored: stored !== null, expired: false }
const listeners = new Set<() => void>()

function set(part: Partial<typeof session>) {
  session = { ...session, ...part }
  for (const listener of listeners) listener()
}

/** acceptToken makes a new token current; requests that wait for one are repeated. */
export function acceptToken(token: string, keep: boolean) {
  if (keep) sessionStorage.setItem('token', token)
  else sessionStorage.removeItem('token')
  set({ token, stored: keep, expired: false })
  retryNow()
}

let rejectedAt = 0

/** noteAccess records whether a response accepted the token. A request that began before the last rejection proves nothing about the token now. */
export function noteAccess(accepted: boolean, began = 0) {
  if (!accepted) rejectedAt = performance.now()
  else if (began < rejectedAt) return
  if (session.expired === accepted) set({ expired: !accepted })
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const useSession = () => useSyncExternalStore(subscribe, () => session)

/** requestOptions are those of every request: the credential, and the wish to know its cost. */
export const requestOptions = () => ({ headers: { 'Scalegraph-Explain': '1', ...credential() } })

/** credential returns the header that identifies the caller: an IAM token, or a key if the server signs its own requests. */
function credential(): Record<string, string> {
  const { token } = session
  if (!token) return {}
  if (token.startsWith('Bearer ')) return { Authorization: token }
  return settings.header === 'Authorization' ? { Authorization: `Bearer ${token}` } : { 'X-Auth-Token': token }
}
