import { t } from '../console/language'

// The variables are filled from the bar above the editors, so that an example can be run as it is.

const myGroups = `# ${t('example.myGroups')}
query MyGroups($project: ID, $after: String) {
  project(projectId: $project) {
    scalingGroups(first: 20, after: $after) {
      totalCount
      nodes {
        groupId
        name
        details {
          status
          currentInstances
          desiredInstances
          minInstances
          maxInstances
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
}
`

const oneGroup = `# ${t('example.oneGroup')}
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

const failures = `# ${t('example.failures')}
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

const mergedFeed = `# ${t('example.mergedFeed')}
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

const summary = `# ${t('example.summary')}
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

const deferred = `# ${t('example.deferred')}
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

const live = `# ${t('example.live')}
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
export const examples = [myGroups, oneGroup, failures, mergedFeed, summary, deferred, live]
