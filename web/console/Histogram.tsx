import { t } from './language'
import type { Bucket } from './panelDocuments'
import { dayAndTimeOf } from './words'

const height = 60

/** Histogram shows how many activities started in each bucket, and how many of them failed wholly or partly. */
export function Histogram({ buckets }: { buckets: Bucket[] }) {
  const highest = Math.max(1, ...buckets.map(({ total }) => total))
  const total = buckets.reduce((sum, bucket) => sum + bucket.total, 0)
  const failed = buckets.reduce((sum, bucket) => sum + bucket.failed + bucket.partiallyFailed, 0)
  const [first, last] = [buckets[0], buckets.at(-1)]
  return (
    <section className="histogram">
      <h3>{t('insights.histogram')}</h3>
      {first && last ? (
        <>
          <svg viewBox={`0 0 ${buckets.length} ${height}`} preserveAspectRatio="none" role="img" aria-label={t('histogram.label', { total, failed, highest })}>
            {buckets.map((bucket, i) => (
              <Bar key={bucket.start} bucket={bucket} x={i} scale={height / highest} />
            ))}
          </svg>
          <p className="quiet" aria-hidden="true">
            <span>{dayAndTimeOf(first.start)}</span>
            <span>{t('histogram.highest', { highest })}</span>
            <span>{dayAndTimeOf(last.start)}</span>
          </p>
        </>
      ) : (
        <p className="quiet">{t('feed.empty')}</p>
      )}
    </section>
  )
}

function Bar({ bucket: { start, total, failed, partiallyFailed }, x, scale }: { bucket: Bucket; x: number; scale: number }) {
  if (total === 0) return null
  const bad = (failed + partiallyFailed) * scale
  return (
    <g>
      <title>{t('histogram.bucket', { time: dayAndTimeOf(start), total, failed, partly: partiallyFailed })}</title>
      <rect className="bucket" x={x} width={0.9} y={height - total * scale} height={total * scale - bad} />
      {bad > 0 && <rect className="bucket bad" x={x} width={0.9} y={height - bad} height={bad} />}
    </g>
  )
}
