import { useRef, useState } from 'react'
import type { Activity, Filter, GroupRef } from './documents'
import { exportFeed, save, type Exported, type Format } from './export'
import { t } from './language'

interface Props {
  groups: GroupRef[]
  filter: Filter
  matches: (activity: Activity) => boolean
}

/** Export writes the rows of the current view to a file, with a progress bar and a way to cancel. Its buttons stay, so that they keep the focus. */
export function Export({ groups, filter, matches }: Props) {
  const [progress, setProgress] = useState<{ done: number; total: number }>()
  const [last, setLast] = useState<Exported>()
  const running = useRef<AbortController>(undefined)
  const start = async (format: Format) => {
    if (running.current) return
    const abort = new AbortController()
    running.current = abort
    setLast(undefined)
    setProgress({ done: 0, total: 0 })
    const exported = await exportFeed(format, groups, filter, matches, abort.signal, (done, total) => setProgress({ done, total }))
    running.current = undefined
    setProgress(undefined)
    setLast(exported)
    save(exported.lines, format)
  }
  return (
    <div className="export">
      <span className="quiet">{t('export')}</span>
      {(['csv', 'ndjson'] as const).map((format) => (
        <button key={format} type="button" aria-disabled={progress !== undefined} onClick={() => void start(format)}>
          {t(`export.${format}`)}
        </button>
      ))}
      {progress && (
        <>
          <progress aria-label={t('export')} value={progress.done} max={Math.max(progress.total, 1)} />
          <span>{t('export.progress', progress)}</span>
          <button type="button" onClick={() => running.current?.abort()}>
            {t('export.cancel')}
          </button>
        </>
      )}
      {last && (
        <span role="status">
          {last.complete ? t('export.complete', { done: last.rows }) : t('export.incomplete', { done: last.rows, total: last.total })}
        </span>
      )}
    </div>
  )
}
