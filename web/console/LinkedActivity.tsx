import { Row } from './Row'
import { activityQuery } from './documents'
import { t } from './language'
import { messageOf } from './retry'
import { useQuery } from './useRead'

interface Props {
  id: string
  name: (groupId: string) => string
  close: () => void
}

/** LinkedActivity shows the one activity that the address names, opened, above the feed. */
export function LinkedActivity({ id, name, close }: Props) {
  const { data: activity, failure } = useQuery(activityQuery, { id }, ({ node }) => (node && 'logId' in node ? node : undefined))
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
