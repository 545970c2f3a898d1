import { useCosts } from './costs'
import { t } from './language'
import { bytes } from './words'

/** Costs is a drawer for developers: what the last requests cost upstream, newest first. */
export function Costs() {
  const costs = useCosts()
  return (
    <details className="costs">
      <summary>
        <h2>{t('developer')}</h2>
      </summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('developer.query')}</th>
            <th scope="col">ms</th>
            <th scope="col">
              <abbr title={t('developer.calls.title')}>{t('developer.calls')}</abbr>
            </th>
            <th scope="col">{t('developer.read')}</th>
            <th scope="col">
              <abbr title={t('developer.cached.title')}>{t('developer.cached')}</abbr>
            </th>
          </tr>
        </thead>
        <tbody>
          {costs.map((cost) => (
            <tr key={cost.key} data-free={cost.upstreamCalls === 0 || undefined}>
              <th scope="row">{cost.name}</th>
              <td>{cost.milliseconds.toFixed(0)}</td>
              <td>{cost.upstreamCalls}</td>
              <td>{bytes(cost.upstreamBytes)}</td>
              <td>{cost.memoryHits + cost.redisHits}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="quiet">{t('developer.note')}</p>
    </details>
  )
}
