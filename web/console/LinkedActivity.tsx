import { useEffect, useState } from 'react'
import { Row } from './Row'
import { client } from './client'
import { activityQuery, type Activity } from './documents'
import { t } from './language'
import { messageOf, query, type Failure } from './retry'

interface Props {
  id: string
  name: (groupId: string) => string
  close: () => void
}

/** LinkedActivity shows the one activity that the address names, opened, above the feed. */
export function LinkedActivity({ id, name, close }: Props) {
  const [activity, setActivity] = useState<Activity>()
  const [failure, setFailure] = useState<Failure>()
  useEffect(() => {
    const abort = new AbortController()
    const read = async () => {
      const node = await query(client, activityQuery, { id }, (data) => data.node, abort.signal, setFailure)
      if (node && 'logId' in node) setActivity(node)
    }
    void read()
    return () => abort.abort()
  }, [id])
  return (
    <section className="linked" aria-label={t('activity.linked')}>
      <p>
        <b>{t('activity.linked')}</b>{' '}
        <button type="button" className="copy" onClick={close}>
          {t('activity.close')}
        </button>
      </p>
      {failure && <p className="problem">{failure.code === 'NOT_FOUND' ? t('activity.gone') : messageOf(failure)}</p>}
      {activity && (
        <ol className="linked-row">
          <Row activity={activity} name={name(activity.group.groupId)} fresh={false} open toggle={close} />
        </ol>
      )}
    </section>
  )
}
