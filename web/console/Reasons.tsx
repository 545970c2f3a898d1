import { Problem } from './Problem'
import type { Details } from './documents'
import { hasText, t } from './language'
import { executionsQuery } from './panelDocuments'
import { useQuery } from './useRead'

type Reason = Details['reasons'][number]
type Policy = NonNullable<Reason['policy']>

/** Reasons shows the cloud's reasons for an activity: each with its policy, the values before and after, and the execution of the policy. */
export function Reasons({ details: { description, reasons } }: { details: Details }) {
  return (
    <dl className="reasons">
      {description && (
        <>
          <dt>{t('details.description')}</dt>
          <dd>{description}</dd>
        </>
      )}
      {reasons.map((reason, i) => (
        <ReasonLines key={i} reason={reason} />
      ))}
    </dl>
  )
}

function ReasonLines({ reason }: { reason: Reason }) {
  const { changeReason, changeTime, scalingPolicyName, scalingPolicyId, policy, oldValue, newValue } = reason
  return (
    <>
      <dt>{t('details.reason')}</dt>
      <dd>
        <code>{changeReason}</code> {oldValue !== null && newValue !== null && t('details.values', { old: oldValue, new: newValue })}
      </dd>
      {scalingPolicyId && (
        <>
          <dt>{t('details.policy')}</dt>
          <dd className="policy">
            <b>{policy?.name ?? scalingPolicyName ?? scalingPolicyId}</b> {policy ? actionOf(policy) : t('policy.unreadable')}
          </dd>
        </>
      )}
      {policy && changeTime && (
        <>
          <dt>{t('details.execution')}</dt>
          <dd className="execution">
            <Executions policy={policy} time={changeTime} />
          </dd>
        </>
      )}
    </>
  )
}

/** actionOf says what a policy does. An operation that this release does not know is shown as the cloud sent it. */
function actionOf({ action }: Policy): string {
  if (!action) return ''
  const { operation, rawOperation, instances, percentage } = action
  const amount = percentage !== null ? t('amount.percentage', { count: percentage }) : t('amount.instances', { count: instances ?? 0 })
  const key = `action.${operation}`
  return hasText(key) ? t(key, { amount }) : `${rawOperation} ${amount}`
}

/** Executions shows the executions of a policy in the second in which it changed the desired number of instances. */
function Executions({ policy, time }: { policy: Policy; time: string }) {
  const { data, failure } = useQuery(
    executionsQuery,
    { policy: policy.id, filter: { startTime: time, endTime: time } },
    ({ node }) => (node && 'executions' in node ? node.executions?.nodes : undefined),
  )
  if (failure) return <Problem failure={failure} />
  if (!data) return t('feed.loading')
  const found = data.filter((execution) => Date.parse(execution.executedAt) === Date.parse(time))
  if (found.length === 0) return t('execution.none')
  return found.map(({ id, logId, trigger, rawTrigger, outcome, rawStatus, oldValue, desiredValue, failureReason }) => {
    const [cause, result] = [`trigger.${trigger}`, `execution.${outcome}`]
    return (
      <span key={id}>
        {hasText(cause) ? t(cause) : rawTrigger}, {hasText(result) ? t(result) : rawStatus}
        {oldValue !== null && desiredValue !== null && ` (${t('details.values', { old: oldValue, new: desiredValue })})`}
        {failureReason && `: ${failureReason}`} <code>{logId}</code>
      </span>
    )
  })
}
