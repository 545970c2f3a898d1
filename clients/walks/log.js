// What all walks share: a log of 1000 rows that grows at its head while it is walked, and what must be in a client's store at the end.
import assert from 'node:assert/strict';

const [base, upstream] = process.argv.slice(2);
export const url = `${base}/graphql`;
export const headers = { 'X-Auth-Token': 'clients' };
export const group = 'growing';
export const size = 50;

export const rows = async () => (await fetch(`${upstream}/control/rows`)).json();
export const grow = (n = 3) => fetch(`${upstream}/control/insert?rows=${n}`, { method: 'POST' });

export const fields = `
  edges { cursor node { id logId startTime status } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`;
export const walkGroup = `query Walk($group: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  scalingGroup(groupId: $group) { id activities(first: $first, after: $after, last: $last, before: $before) { ${fields} } } }`;
export const walkFeed = `query WalkFeed($groups: [ScalingGroupRef!]!, $first: Int, $after: String, $last: Int, $before: String) {
  scalingActivities(groups: $groups, first: $first, after: $after, last: $last, before: $before) { ${fields} } }`;

// forward walks from the newest row of the moment to the oldest. client.start() and client.next() return the connection as the store
// has it; rows come at the head before each page. What was there at the start must be there once, in order, and nothing else.
export async function forward(name, client) {
  const want = await rows();
  let list = await client.start({ first: size });
  let pages = 1;
  while (list.pageInfo.hasNextPage) {
    await grow();
    list = await client.next();
    pages++;
  }
  check(`${name} forward`, list, want, pages, client);
}

// backward walks from the oldest row to the newest, which moves on for as long as there are pages behind it.
export async function backward(name, client) {
  const enough = (await rows()).length;
  let list = await client.start({ last: size });
  let pages = 1;
  for (; list.edges.length < enough; pages++) {
    await grow();
    list = await client.previous();
  }
  const want = await rows();
  for (const end = Date.now() + 20_000; list.edges.length < want.length && Date.now() < end; pages++) list = await client.previous();
  check(`${name} backward`, list, want, pages, client);
}

function check(name, list, want, pages, client) {
  const ids = list.edges.map((edge) => edge.node.logId);
  assert.ok(want.length >= 1000);
  const wrong = want.findIndex((id, i) => id !== ids[i]);
  assert.ok(wrong < 0 && ids.length === want.length, `${name}: ${ids.length} rows, want ${want.length}; the first that is wrong is number ${wrong}`);
  assert.equal(new Set(list.edges.map((edge) => edge.cursor)).size, ids.length, `${name}: two rows have one cursor`);
  const stored = client.stored?.();
  if (stored !== undefined) assert.equal(stored, want.length, `${name}: the store does not hold each row once`);
  console.log(`ok    ${name}: ${ids.length} rows in ${pages} pages, each once and in order`);
}
