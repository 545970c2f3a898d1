import { graphql, type ResultOf, type VariablesOf } from './graphql'

/** What a row of the feed shows. No list that is costly to fetch stands here. */
const activityRow = graphql(`
  fragment ActivityRow on ScalingActivity {
    id
    logId
    type
    rawType
    status
    outcome
    direction
    startTime
    endTime
    durationSeconds
    instanceValue
    desireValue
    scalingValue
    reasons {
      changeReason
      scalingPolicyName
    }
    group {
      id
      groupId
    }
  }
`)

export const feedQuery = graphql(
  `
    query Feed($groups: [ScalingGroupRef!]!, $filter: ScalingActivityFilter, $first: Int, $after: String, $last: Int, $before: String) {
      scalingActivities(groups: $groups, filter: $filter, first: $first, after: $after, last: $last, before: $before) {
        edges {
          cursor
          node {
            ...ActivityRow
          }
        }
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        totalCount
        asOf
        stale
        unavailableGroups {
          code
          message
          group {
            id
            groupId
          }
        }
      }
    }
  `,
  [activityRow],
)

/** The lists of one activity, asked for when its row is opened. */
export const detailsQuery = graphql(`
  query Details($id: ID!) {
    node(id: $id) {
      id
      ... on ScalingActivity {
        description
        addedInstances {
          ...InstanceLine
        }
        removedInstances {
          ...InstanceLine
        }
        deletedInstances {
          ...InstanceLine
        }
        standbyInstances {
          ...InstanceLine
        }
        failedInstances {
          ...InstanceLine
        }
        boundLoadBalancers {
          ...ListenerLine
        }
        bindFailedLoadBalancers {
          ...ListenerLine
        }
        unboundLoadBalancers {
          ...ListenerLine
        }
        unbindFailedLoadBalancers {
          ...ListenerLine
        }
      }
    }
  }

  fragment InstanceLine on ScalingInstance {
    instanceId
    instanceName
    failure {
      reason
      details
    }
  }

  fragment ListenerLine on LoadBalancerChange {
    classicListener
    lbaasListener {
      listenerId
      poolId
      protocolPort
      weight
    }
    failure {
      reason
      details
    }
  }
`)

/** One stretch of a group's timeline. */
export const timelineQuery = graphql(`
  query Timeline($group: ID!, $project: ID, $region: String, $filter: ScalingActivityFilter, $first: Int!, $after: String) {
    scalingGroup(groupId: $group, projectId: $project, region: $region) {
      id
      activities(filter: $filter, first: $first, after: $after) {
        nodes {
          id
          type
          outcome
          startTime
          instanceValue
          desireValue
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`)

export const liveSubscription = graphql(
  `
    subscription Live($groups: [ScalingGroupRef!]!, $since: String) {
      scalingActivityChanged(groups: $groups, since: $since) {
        cursor
        kind
        activity {
          ...ActivityRow
        }
      }
    }
  `,
  [activityRow],
)

export type Activity = ResultOf<typeof activityRow>
export type Connection = NonNullable<ResultOf<typeof feedQuery>['scalingActivities']>
export type FeedVariables = VariablesOf<typeof feedQuery>
export type Filter = NonNullable<FeedVariables['filter']>
export type GroupRef = Exclude<FeedVariables['groups'], null>[number]
export type Change = ResultOf<typeof liveSubscription>['scalingActivityChanged']
export type Details = Extract<NonNullable<ResultOf<typeof detailsQuery>['node']>, { __typename?: 'ScalingActivity' }>
export type TimelineVariables = VariablesOf<typeof timelineQuery>
export type TimelineNode = NonNullable<
  NonNullable<ResultOf<typeof timelineQuery>['scalingGroup']>['activities']
>['nodes'][number]
