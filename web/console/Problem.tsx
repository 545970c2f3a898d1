import { t } from './language'
import { messageOf, type Failure } from './retry'
import { retryNow } from './wake'

/** Problem says beside what it concerns why a request failed. The button repeats at once every request that waits. */
export function Problem({ failure }: { failure: Failure }) {
  return (
    <p className="problem" role="alert">
      {messageOf(failure)} {failure.code !== 'NETWORK' && <code>{failure.code}</code>}{' '}
      <button type="button" onClick={retryNow}>
        {t('retry')}
      </button>
    </p>
  )
}
