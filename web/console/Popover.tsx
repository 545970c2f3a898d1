import { useEffect, useRef, type ReactNode } from 'react'

interface Props {
  className: string
  summary: ReactNode
  open: boolean
  setOpen: (open: boolean) => void
  children: ReactNode
}

/** Popover is a disclosure that Escape, a click outside and a focus outside close. Escape returns the focus to its button. */
export function Popover({ className, summary, open, setOpen, children }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!open) return
    const outside = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false)
    }
    const escape = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return
      setOpen(false)
      button.current?.focus()
    }
    document.addEventListener('pointerdown', outside)
    document.addEventListener('focusin', outside)
    document.addEventListener('keydown', escape)
    return () => {
      document.removeEventListener('pointerdown', outside)
      document.removeEventListener('focusin', outside)
      document.removeEventListener('keydown', escape)
    }
  }, [open, setOpen])
  return (
    <div className={`popover ${className}`} ref={box}>
      <button type="button" ref={button} className="popover-button" aria-expanded={open} onClick={() => setOpen(!open)}>
        {summary}
      </button>
      {open && children}
    </div>
  )
}
