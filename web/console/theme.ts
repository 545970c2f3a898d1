import { useEffect, useState, useSyncExternalStore } from 'react'

type Theme = 'light' | 'dark'

const dark = matchMedia('(prefers-color-scheme: dark)')
const subscribe = (listener: () => void) => {
  dark.addEventListener('change', listener)
  return () => dark.removeEventListener('change', listener)
}

/** useTheme follows the system until somebody chooses; the choice is kept. */
export function useTheme(): [Theme, () => void] {
  const system: Theme = useSyncExternalStore(subscribe, () => dark.matches) ? 'dark' : 'light'
  const [chosen, choose] = useState<Theme | undefined>(() => {
    const kept = localStorage.getItem('theme')
    return kept === 'light' || kept === 'dark' ? kept : undefined
  })
  const theme = chosen ?? system
  useEffect(() => {
    document.documentElement.dataset.theme = theme
    if (chosen) localStorage.setItem('theme', chosen)
  }, [theme, chosen])
  return [theme, () => choose(theme === 'dark' ? 'light' : 'dark')]
}
