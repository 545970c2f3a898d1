import { useCosts } from './costs'
import { bytes } from './words'

/** Costs shows what the last answers cost upstream, newest first. */
export function Costs() {
  const costs = useCosts()
  return (
    <details className="costs" open={matchMedia('(min-width: 68rem)').matches}>
      <summary>
        <h2>What the last answers cost</h2>
      </summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Query</th>
            <th scope="col">ms</th>
            <th scope="col">
              <abbr title="requests to the upstream">calls</abbr>
            </th>
            <th scope="col">read</th>
            <th scope="col">
              <abbr title="pages found in memory or Redis">kept</abbr>
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
      <p className="quiet">
        As each answer tells with <code>Scalegraph-Explain: 1</code>. <i>Details</i> is asked when a row is opened, and not before.
      </p>
    </details>
  )
}
