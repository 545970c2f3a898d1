// What the server tells its pages, in a data block of the page. A server with a real upstream tells nothing.

export interface Group {
  groupId: string
  name?: string
}

export interface Settings {
  /** Stands for a credential where the upstream is the demo. */
  token: string
  /** Some groups to begin with. */
  groups: Group[]
}

export function readSettings(): Settings {
  const text = document.getElementById('settings')?.textContent ?? '{}'
  const told = JSON.parse(text) as Partial<Settings>
  return { token: told.token ?? '', groups: told.groups ?? [] }
}
