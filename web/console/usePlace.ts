import { useCallback, useEffect, useState } from 'react'
import type { GroupRef } from './documents'
import { readPlace, writePlace, type Place } from './place'

/** usePlace returns the place that the address names, and a function that goes to another one. Back and Forward of the browser work. */
export function usePlace(initial: GroupRef[]): [Place, (part: Partial<Place>) => void] {
  const [place, setPlace] = useState(() => readPlace(location.search, initial))
  useEffect(() => {
    history.replaceState(null, '', writePlace(readPlace(location.search, initial)))
    const back = () => setPlace(readPlace(location.search, initial))
    addEventListener('popstate', back)
    return () => removeEventListener('popstate', back)
  }, [initial])
  const change = useCallback(
    (part: Partial<Place>) => {
      const next = { ...readPlace(location.search, initial), ...part }
      history.pushState(null, '', writePlace(next))
      setPlace(next)
    },
    [initial],
  )
  return [place, change]
}
