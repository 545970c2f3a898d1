import { useEffect, useRef, useState, type RefObject } from 'react'
import uPlot from 'uplot'
import { format, t } from './language'
import { messageOf, type Failure } from './retry'
import type { Steps } from './timeline'
import { timeOf } from './words'

interface Props {
  name: string
  steps: Steps | undefined
  failure: Failure | undefined
  from: number // seconds, as `to`
  to: number
  theme: string
  last: boolean // has the time axis for all strips above it
  inspected: boolean
  inspect: () => void
}

/** Strip plots one group over time: actual and desired instances, and failures. Its name opens the panel of the group. */
export function Strip({ name, steps, failure, from, to, theme, last, inspected, inspect }: Props) {
  const paper = useRef<HTMLDivElement>(null)
  const shown = useRef<Shown>({ steps: nothing, from, to })
  const plot = useRef<uPlot>(undefined)
  const [pointed, point] = useState<number | null>(null)
  const drawable = steps !== undefined && steps.times.length > 0

  useEffect(() => {
    shown.current = { steps: steps ?? nothing, from, to }
    plot.current?.setData(columns(shown.current))
  }, [steps, from, to])

  useEffect(() => {
    const at = paper.current
    if (!at || !drawable) return
    const drawn = draw(at, shown, last, point)
    plot.current = drawn
    const resize = new ResizeObserver(([entry]) => {
      if (entry) drawn.setSize({ width: entry.contentRect.width, height: drawn.height })
    })
    resize.observe(at)
    return () => {
      resize.disconnect()
      drawn.destroy()
      plot.current = undefined
    }
  }, [drawable, theme, last])

  const index = pointed ?? (steps ? steps.times.length - 1 : -1)
  const actual = steps?.actual[index]
  const desired = steps?.desired[index]
  const when = pointed === null ? '' : timeOf(new Date((steps?.times[pointed] ?? 0) * 1000).toISOString())
  const { failed, partly } = steps ?? nothing
  return (
    <figure className="strip">
      <figcaption>
        <button type="button" className="strip-name" aria-expanded={inspected} title={t('strip.inspect')} onClick={inspect}>
          {name}
        </button>
        {failure ? (
          <span className="strip-error">{messageOf(failure)}</span>
        ) : actual === undefined ? (
          <span className="strip-none">{steps ? t('strip.none') : t('feed.loading')}</span>
        ) : (
          <>
            <span className="strip-count">
              <b>{actual}</b>
              <span aria-hidden="true"> → </span>
              <span className="visually-hidden">{t('strip.wanted')}</span>
              <b className={actual === desired ? 'same' : 'wanted'}>{desired}</b>
            </span>
            <span className="strip-note">
              {when || (failed + partly === 0 && t('strip.fine'))}
              {!when && failed > 0 && <em data-count="failed">{t('strip.failed', { failed })}</em>}
              {!when && partly > 0 && <em data-count="partly">{t('strip.partly', { partly })}</em>}
            </span>
          </>
        )}
      </figcaption>
      <div
        className="paper"
        ref={paper}
        role="img"
        aria-label={t('strip.label', { name, steps: steps?.times.length ?? 0, failed, partly })}
      />
    </figure>
  )
}

interface Shown {
  steps: Steps
  from: number
  to: number
}

const nothing: Steps = { times: [], actual: [], desired: [], failures: [], failed: 0, partly: 0 }
const stepped = uPlot.paths.stepped!({ align: 1 })

/** columns extends the last step to the end of the plot. */
function columns({ steps, to }: Shown): uPlot.AlignedData {
  const wanted = steps.desired.at(-1) ?? 0
  return [
    [...steps.times, to],
    [...steps.actual, wanted],
    [...steps.desired, wanted],
  ]
}

function draw(at: HTMLElement, shown: RefObject<Shown>, last: boolean, point: (index: number | null) => void) {
  const style = getComputedStyle(at)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--faint'),
    font: `11px ${colour('--mono')}`,
    ticks: { show: false },
    grid: { stroke: colour('--line'), width: 1 },
  }
  const options: uPlot.Options = {
    width: at.clientWidth,
    height: last ? 104 : 78,
    padding: [14, 14, last ? 0 : 6, 0],
    legend: { show: false },
    cursor: { sync: { key: 'strips' }, y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: () => [shown.current.from, shown.current.to] },
      y: { range: (_, low, high) => [Math.max(0, Math.floor(low - 1)), Math.ceil(high + 1)] },
    },
    axes: [
      { ...axis, show: last, size: 26, space: 80, values: clockTicks },
      { ...axis, size: 34, space: 24, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
    ],
    series: [
      {},
      { paths: stepped, stroke: colour('--ink'), fill: colour('--wash'), width: 1.5, points: { show: false } },
      { paths: stepped, stroke: colour('--accent'), width: 1.25, dash: [4, 3], points: { show: false } },
    ],
    hooks: {
      setCursor: [(plot) => point(typeof plot.cursor.idx === 'number' ? Math.min(plot.cursor.idx, shown.current.steps.times.length - 1) : null)],
      drawClear: [(plot) => blank(plot, shown.current, colour('--blank'))],
      draw: [(plot) => marks(plot, shown.current.steps.failures, colour('--bad'))],
    },
  }
  return new uPlot(options, columns(shown.current), at)
}

const clockTicks: uPlot.Axis.DynamicValues = (_, ticks, __, ___, step) => {
  const shown = step >= 86_400 ? format({ day: 'numeric', month: 'short' }) : format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  return ticks.map((time) => shown.format(new Date(time * 1000)))
}

/** blank shades the time before the oldest step that was read. */
function blank({ ctx, bbox, valToPos }: uPlot, { steps, from }: Shown, colour: string) {
  if (steps.cutAt === undefined || steps.cutAt <= from) return
  ctx.save()
  ctx.fillStyle = colour
  ctx.fillRect(bbox.left, bbox.top, valToPos(steps.cutAt, 'x', true) - bbox.left, bbox.height)
  ctx.restore()
}

function marks(plot: uPlot, times: number[], colour: string) {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.setLineDash([])
  ctx.strokeStyle = colour
  ctx.lineWidth = 1.5 * devicePixelRatio
  for (const time of times) {
    const x = plot.valToPos(time, 'x', true)
    if (x >= bbox.left && x <= bbox.left + bbox.width) mark(ctx, x, bbox.top, bbox.height)
  }
  ctx.restore()
}

/** mark draws a failure: a cross above the plot and a line through it. */
function mark(ctx: CanvasRenderingContext2D, x: number, top: number, height: number) {
  const arm = 3 * devicePixelRatio
  const y = top - 7 * devicePixelRatio
  ctx.globalAlpha = 0.35
  ctx.beginPath()
  ctx.moveTo(x, top)
  ctx.lineTo(x, top + height)
  ctx.stroke()
  ctx.globalAlpha = 1
  ctx.beginPath()
  ctx.moveTo(x - arm, y - arm)
  ctx.lineTo(x + arm, y + arm)
  ctx.moveTo(x + arm, y - arm)
  ctx.lineTo(x - arm, y + arm)
  ctx.stroke()
}
