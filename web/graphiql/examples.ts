// The variables are filled from the bar above the editors, so that an example can be run as it is.

const oneGroup = `# The newest activities of one group. Pass endCursor as after to get the next page; new activities do not shift it.
query OneGroup($group: ID!, $after: String) {
  scalingGroup(groupId: $group) {
    activities(first: 10, after: $after) {
      totalCount
      nodes {
        logId
        type
        outcome
        direction
        startTime
        durationSeconds
        instanceValue
        desireValue
        reasons {
          changeReason
          scalingPolicyName
          oldValue
          newValue
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
      asOf
    }
  }
}
`

const failures = `# What failed, and why. The details cost upstream calls only in queries that select them.
query Failures($group: ID!) {
  scalingGroup(groupId: $group) {
    activities(first: 5, filter: { status: FAIL }) {
      totalCount
      nodes {
        startTime
        type
        failedInstances {
          instanceId
          instanceName
          failure {
            reason
            details
          }
        }
        bindFailedLoadBalancers {
          lbaasListener {
            listenerId
            protocolPort
          }
          failure {
            reason
          }
        }
      }
    }
  }
}
`

const mergedFeed = `# One feed over many groups, newest first. Groups that cannot be read are listed in unavailableGroups.
query MergedFeed($groups: [ScalingGroupRef!]!, $after: String) {
  scalingActivities(groups: $groups, first: 20, after: $after) {
    totalCount
    edges {
      cursor
      node {
        startTime
        outcome
        type
        scalingValue
        group {
          groupId
        }
      }
    }
    pageInfo {
      startCursor
      endCursor
      hasNextPage
      hasPreviousPage
    }
    unavailableGroups {
      code
      message
      group {
        groupId
      }
    }
  }
}
`

const summary = `# Counts, without fetching the activities themselves.
query Summary($groups: [ScalingGroupRef!]!) {
  scalingGroups(groups: $groups) {
    groupId
    activitySummary {
      total
      succeeded
      failed
      inProgress
      byType {
        type
        count
      }
    }
    latestActivity {
      startTime
      type
      outcome
    }
  }
}
`

const deferred = `# The page first; the failures follow when they have been read.
query Deferred($group: ID!) {
  scalingGroup(groupId: $group) {
    activities(first: 5) {
      nodes {
        logId
        startTime
        outcome
        ... @defer {
          failedInstances {
            instanceId
            failure {
              reason
            }
          }
        }
      }
    }
  }
}
`

const live = `# Every activity that starts or changes, from now on. After a broken connection, pass the last cursor as since.
subscription Live($groups: [ScalingGroupRef!]!, $since: String) {
  scalingActivityChanged(groups: $groups, since: $since) {
    kind
    cursor
    activity {
      logId
      startTime
      type
      outcome
      instanceValue
      desireValue
      group {
        groupId
      }
    }
  }
}
`

/** examples are the tabs of a first visit. */
export const examples = [oneGroup, failures, mergedFeed, summary, deferred, live]
