import { unavailableGroup } from './documents'
import { graphql, type ResultOf, type VariablesOf } from './graphql'

// The queries of panels, which are sent only while a panel is open.

/** The executions of a policy in one second. */
export const executionsQuery = graphql(`
  query Executions($policy: ID!, $filter: ScalingPolicyExecutionFilter!) {
    node(id: $policy) {
      id
      ... on ScalingPolicy {
        executions(filter: $filter, first: 5) {
          nodes {
            id
            logId
            executedAt
            trigger
            rawTrigger
            outcome
            rawStatus
            oldValue
            desiredValue
            failureReason
          }
        }
      }
    }
  }
`)

export const insightsQuery = graphql(
  `
    query Insights($groups: [ScalingGroupRef!]!, $filter: ScalingActivityFilter!, $interval: ScalingInterval!, $timeZone: String!) {
      scalingInsights(groups: $groups, filter: $filter) {
        activityCount
        complete
        oldest
        asOf
        unavailableGroups {
          ...UnavailableGroupCause
        }
        failures(first: 10) {
          key
          code
          reason
          count
          activityCount
          lastSeen
          groups {
            id
            groupId
          }
          example {
            id
          }
        }
        histogram(interval: $interval, timeZone: $timeZone) {
          start
          total
          partiallyFailed
          failed
        }
      }
    }
  `,
  [unavailableGroup],
)

export const blockersQuery = graphql(`
  query Blockers($group: ID!, $project: ID, $region: String) {
    scalingGroup(groupId: $group, projectId: $project, region: $region) {
      id
      scalingBlockers {
        code
        message
        until
        policy {
          id
          name
        }
      }
    }
  }
`)

export const instancesQuery = graphql(`
  query Instances($group: ID!, $project: ID, $region: String, $after: String) {
    scalingGroup(groupId: $group, projectId: $project, region: $region) {
      id
      instances(first: 500, after: $after) {
        nodes {
          instanceId
          instanceName
          lifecycleState
          rawLifecycleState
          health
          rawHealth
          protectedFromScaleIn
          configurationName
          joinedAt
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`)

export type Insights = NonNullable<ResultOf<typeof insightsQuery>['scalingInsights']>
export type InsightsVariables = VariablesOf<typeof insightsQuery>
export type Bucket = Insights['histogram'][number]
export type Cause = Insights['failures'][number]
export type Blocker = NonNullable<NonNullable<ResultOf<typeof blockersQuery>['scalingGroup']>['scalingBlockers']>[number]
export type GroupInstance = NonNullable<NonNullable<ResultOf<typeof instancesQuery>['scalingGroup']>['instances']>['nodes'][number]
