import type { Group } from '../shared/settings'

// The variables have default values, so that a newcomer can run an example as it is.

const oneGroup = (group: string) => `# The newest activities of one group. The page does not shift while new ones arrive: hand endCursor to after.
query OneGroup($group: ID! = ${group}, $after: String) {
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

const failures = (group: string) => `# What failed, and why. Details are fetched because this query asks for them; the others do not pay for them.
query Failures($group: ID! = ${group}) {
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

const mergedFeed = (groups: string) => `# One feed over many groups, newest first. A group that cannot be read is named, and the rest is still there.
query MergedFeed($groups: [ScalingGroupRef!]! = ${groups}, $after: String) {
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

const summary = (groups: string) => `# Counts, without fetching the activities themselves.
query Summary($groups: [ScalingGroupRef!]! = ${groups}) {
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

const deferred = (group: string) => `# The page at once, the failures when they are there.
query Deferred($group: ID! = ${group}) {
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

const live = (groups: string) => `# Every activity that starts or changes, from now on. Hand the last cursor to since after a broken connection.
subscription Live($groups: [ScalingGroupRef!]! = ${groups}, $since: String) {
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

/** examples fills the tabs that a newcomer finds. Without groups to begin with, the default values say what to write there. */
export function examples(groups: Group[]): string[] {
  const known = groups.length > 0 ? groups.map((g) => g.groupId) : ['YOUR-GROUP-ID']
  const busy = id(known[1] ?? known[0]!)
  const many = `[${known.map((group) => `\n  { groupId: ${id(group)} }`).join('')}\n]`
  return [oneGroup(busy), failures(busy), mergedFeed(many), summary(many), deferred(busy), live(many)]
}

const id = (group: string) => JSON.stringify(group)
