import { useSyncExternalStore } from 'react'
import chinese from './texts/zh-CN.json'
import english from './texts/en.json'

export type Language = 'en' | 'zh-CN'
export type Zone = 'local' | 'UTC'
export type Key = keyof typeof english

const catalogues: Record<Language, Record<Key, string>> = { en: english, 'zh-CN': chinese }

const listeners = new Set<() => void>()
let language: Language = initialLanguage()
let zone: Zone = localStorage.getItem('zone') === 'UTC' ? 'UTC' : 'local'

function initialLanguage(): Language {
  const chosen = localStorage.getItem('language') ?? navigator.language
  return chosen.startsWith('zh') ? 'zh-CN' : 'en'
}

/** t returns the text of a key in the current language, with each `{name}` replaced by the value of that name. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return catalogues[language][key].replace(/\{(\w+)\}/g, (all, name: string) => {
    const value = values[name]
    return value === undefined ? all : typeof value === 'number' ? value.toLocaleString(language) : value
  })
}

/** hasText reports whether the catalogues contain a key that is composed at run time. */
export const hasText = (key: string): key is Key => key in english

export function setLanguage(chosen: Language) {
  language = chosen
  localStorage.setItem('language', chosen)
  update()
}

export function setZone(chosen: Zone) {
  zone = chosen
  localStorage.setItem('zone', chosen)
  update()
}

function update() {
  document.documentElement.lang = language
  formats.clear()
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** useLocale renders the component again if the language or the time zone changes. */
export function useLocale() {
  const locale = useSyncExternalStore(subscribe, () => `${language} ${zone}`)
  return { locale, language, zone }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** format returns a cached formatter for the current language and time zone. */
export function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options)
  let found = formats.get(key)
  if (!found) {
    found = new Intl.DateTimeFormat(language, { ...options, ...(zone === 'UTC' ? { timeZone: 'UTC' } : {}) })
    formats.set(key, found)
  }
  return found
}

/** timeZoneName returns the IANA name of the current time zone. */
export const timeZoneName = () => (zone === 'UTC' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone)

const pad = (n: number) => String(n).padStart(2, '0')

/** toInput converts an instant to the value of a datetime-local input in the current time zone; fromInput is its inverse. */
export function toInput(instant: string): string {
  const at = new Date(instant)
  if (zone === 'UTC') return at.toISOString().slice(0, 16)
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`
}

export function fromInput(value: string): string | undefined {
  const at = new Date(zone === 'UTC' ? `${value}Z` : value)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

document.documentElement.lang = language
