import { useEffect, useState } from 'react'
import { t } from './language'

/** Copy puts a text on the clipboard. Without a secure origin browsers have no clipboard, and the button is not shown. */
export function Copy({ label, text }: { label: string; text: string }) {
  const [done, setDone] = useState(false)
  useEffect(() => {
    if (!done) return
    const timer = setTimeout(() => setDone(false), 2000)
    return () => clearTimeout(timer)
  }, [done])
  if (!navigator.clipboard) return null
  return (
    <button type="button" className="copy" onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}>
      {done ? t('copy.done') : label}
    </button>
  )
}
