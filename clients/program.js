// What all tests here share: the program's address, and things to ask. The demo's logs grow by themselves, so that there is
// something to hear of.
import assert from 'node:assert/strict';

const [base, ...groups] = process.argv.slice(2);
export const url = `${base}/graphql`;
export const socket = url.replace('http', 'ws');
export const group = groups[0];
export const variables = { groups: groups.map((groupId) => ({ groupId })) };

export const page = `query Page($group: ID!) { scalingGroup(groupId: $group) { id groupId activities(first: 2) { nodes { id logId } } } }`;
export const wrong = `query Wrong($group: ID!) { scalingGroup(groupId: $group) { id activities(first: -1) { totalCount } } }`;
export const changes = `subscription Changes($groups: [ScalingGroupRef!]!, $since: String) {
  scalingActivityChanged(groups: $groups, since: $since) { cursor kind activity { id logId status failedInstances { instanceId } } }
}`;
export const refused = `subscription Refused { scalingActivityChanged(groups: []) { cursor } }`;
export const deferred = `query Deferred($group: ID!) { scalingGroup(groupId: $group) { id
  activities(first: 2) { nodes { id logId ... @defer(label: "heavy") { endTime addedInstances { instanceId } } } }
  ... @defer { latestActivity { id logId ... @defer { boundLoadBalancers { classicListener } } } } } }`;

// checkDeferred looks whether a merged answer to deferred is whole.
export function checkDeferred(data) {
  const { activities, latestActivity } = data.scalingGroup;
  assert.equal(activities.nodes.length, 2);
  for (const node of activities.nodes) {
    assert.ok(Array.isArray(node.addedInstances), 'a deferred list is there');
    assert.ok('endTime' in node);
  }
  assert.ok(Array.isArray(latestActivity.boundLoadBalancers));
}

// checkFirst looks whether the first part lacks what is deferred, rather than to have null there.
export function checkFirst(data) {
  assert.ok(!('latestActivity' in data.scalingGroup));
  for (const node of data.scalingGroup.activities.nodes) assert.ok(!('addedInstances' in node));
}

export function checkChange({ scalingActivityChanged: change }) {
  assert.match(change.kind, /^(STARTED|UPDATED|FINISHED)$/);
  assert.equal(change.kind === 'FINISHED', change.activity.status !== 'DOING');
  assert.ok(change.cursor);
  assert.ok(Array.isArray(change.activity.failedInstances));
  return change;
}

// resumed is how many changes are read after resuming: what was missed comes with the next poll, together with what happened meanwhile.
export const resumed = 3;

// checkResumed checks that the changes after resuming include the one that followed, and that none is repeated, neither the one before nor
// any other. Further ones may come first: they happened meanwhile, and the changes of one poll are ordered by row. That no other one is
// missing cannot be seen from here, as the demo moves by itself: internal/observer compares all changes with the record of its upstream.
export function checkResumed(results, first, second) {
  const changed = results.map(({ data }) => checkChange(data));
  assert.ok(changed.some(({ activity }) => activity.id === second.activity.id), 'the next change is there');
  const seen = new Set();
  for (const { activity, kind } of [first, ...changed]) {
    if (kind === 'UPDATED') continue; // a row may be updated more than once
    assert.ok(!seen.has(`${kind} ${activity.id}`), `${kind} is not repeated`);
    seen.add(`${kind} ${activity.id}`);
  }
}

export function code(errors) {
  return errors[0].extensions.code;
}

const tests = [];
export const test = (name, run) => tests.push([name, run]);

// run runs the tests of a file, all at once, because most of them wait.
export async function run(client) {
  const results = await Promise.all(tests.map(async ([name, body]) => {
    const late = new Promise((_, reject) => setTimeout(reject, 60_000, new Error('nothing came in time')).unref());
    try {
      await Promise.race([body(), late]);
      console.log(`ok    ${client}: ${name}`);
      return true;
    } catch (error) {
      console.log(`WRONG ${client}: ${name}: ${error?.stack ?? JSON.stringify(error)}`);
      return false;
    }
  }));
  process.exit(results.every(Boolean) ? 0 : 1);
}
