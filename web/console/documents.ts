import { graphql, type ResultOf, type VariablesOf } from './graphql'

/** The fields of a row. It has no list that costs upstream calls. */
const activityRow = graphql(`
  fragment ActivityRow on ScalingActivity {
    id
    logId
    type
    rawType
    status
    rawStatus
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

/** A group that could not be read, and why. */
export const unavailableGroup = graphql(`
  fragment UnavailableGroupCause on UnavailableGroup {
    code
    message
    retryable
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
          ...UnavailableGroupCause
        }
      }
    }
  `,
  [activityRow, unavailableGroup],
)

/** The details of one activity, requested when its row is opened. */
export const detailsQuery = graphql(`
  query Details($id: ID!) {
    node(id: $id) {
      id
      ... on ScalingActivity {
        description
        reasons {
          changeReason
          changeTime
          oldValue
          newValue
          scalingPolicyId
          scalingPolicyName
          policy {
            id
            name
            action {
              operation
              rawOperation
              instances
              percentage
            }
          }
        }
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
    instanceConfig
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

/** One page of a group's timeline. */
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

/** The one activity that a link names. */
export const activityQuery = graphql(
  `
    query Activity($id: ID!) {
      node(id: $id) {
        id
        ... on ScalingActivity {
          ...ActivityRow
        }
      }
    }
  `,
  [activityRow],
)

/** The failure reasons of several activities, requested together because they cost upstream calls. */
export const reasonsQuery = graphql(`
  query Reasons($ids: [ID!]!) {
    nodes(ids: $ids) {
      id
      ... on ScalingActivity {
        failureReasons
      }
    }
  }
`)

/** The groups of the server's own project, for the picker. */
export const groupsQuery = graphql(`
  query Groups($after: String) {
    project {
      id
      scalingGroups(first: 500, after: $after) {
        nodes {
          id
          groupId
          details {
            name
            status
            currentInstances
            minInstances
            maxInstances
          }
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
export type TimelineConnection = NonNullable<NonNullable<ResultOf<typeof timelineQuery>['scalingGroup']>['activities']>
export type TimelineNode = TimelineConnection['nodes'][number]
export type GroupNode = NonNullable<NonNullable<ResultOf<typeof groupsQuery>['project']>['scalingGroups']>['nodes'][number]
