// Tests of what is read only while it is shown: an opened row's policy, the figures over the period, and the panel of a group.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { faultsOf } from './axe.js'
import { picture, start, visit } from './browser.js'

let program
before(async () => (program = await start()))
after(() => program?.stop())

const busiest = 'f6fadfa7-e5c1-4b62-9362-da5cc13da58a'
const quiet = '3c3ae353-fb14-428e-90b4-01a6c1cc0aff'
const asked = (seen, name) => seen.asked.filter((request) => request.operationName === name)

/** query asks the program, as somebody else than the page. */
async function query(page, text) {
  const response = await page.request.post(`${program.base}/graphql`, { data: { query: text } })
  const { data, errors } = await response.json()
  assert.equal(errors, undefined)
  return data
}

test('an opened row shows description, policy and action, old and new values, instance configuration and the execution', async (t) => {
  const { page, seen } = await visit(t, program.base)
  const { scalingGroup } = await query(
    page,
    `{ scalingGroup(groupId: "${quiet}") {
      activities(first: 200, filter: { types: [NORMAL] }) { nodes {
        id description addedInstances { instanceId }
        reasons { oldValue newValue scalingPolicyName changeTime policy { id action { operation instances } } }
      } }
      policyExecutions(first: 500) { nodes { logId executedAt policy { id } } }
    } }`,
  )
  const caused = scalingGroup.activities.nodes.find(({ reasons, addedInstances }) => reasons[0]?.policy?.action?.instances && addedInstances.length > 0)
  assert.ok(caused, 'no activity of the demo was caused by a policy')
  const [{ oldValue, newValue, scalingPolicyName, changeTime, policy }] = caused.reasons
  const execution = scalingGroup.policyExecutions.nodes.find((execution) => execution.policy.id === policy.id && execution.executedAt === changeTime)
  await page.route('**/graphql', async (route) => {
    if (route.request().postDataJSON().operationName !== 'Details') return route.fallback()
    const response = await route.fetch()
    const body = await response.json()
    body.data.node.addedInstances[0].instanceConfig = 'flavor s6.large.2' // which the demo does not send
    await route.fulfill({ response, json: body })
  })
  await page.goto(`${program.base}/console?group=${quiet}&period=all&activity=${encodeURIComponent(caused.id)}`)
  const details = page.locator('.linked .details')
  await details.locator('.execution', { hasText: execution.logId }).waitFor()
  const text = await details.innerText()
  assert.ok(text.includes(caused.description), text)
  assert.ok(text.includes(`${scalingPolicyName} ${{ ADD: 'adds', REMOVE: 'removes', SET: 'sets the group to' }[policy.action.operation]} ${policy.action.instances} instances`), text)
  assert.ok(text.includes(`${oldValue} to ${newValue}`), text)
  assert.ok(text.includes('configuration flavor s6.large.2'), text)
  assert.match(await details.locator('.execution').innerText(), /changed the desired number/)
  assert.deepEqual(await faultsOf(page), [])
  assert.deepEqual(seen.faults, [])
})

test('a failed row shows its reason before it is opened, and the reasons of a page take one request', async (t) => {
  const { page, seen } = await visit(t, program.base, `?group=${quiet}&period=7d&status=FAIL`)
  await page.locator('.row .reason').first().waitFor()
  const id = await page.locator('.row:has(.reason)').first().getAttribute('data-id')
  const { node } = await query(page, `{ node(id: "${id}") { ... on ScalingActivity { failureReasons } } }`)
  assert.equal(await page.locator('.row .reason').first().innerText(), node.failureReasons[0])
  const requests = asked(seen, 'Reasons')
  assert.equal(requests.length, asked(seen, 'Feed').length)
  assert.deepEqual(requests[0].variables.ids.slice(0, 1), [await page.locator('.row').first().getAttribute('data-id')])
})

test('policies that cannot be read leave the rest of an opened row', async (t) => {
  const { page } = await visit(t, program.base, `?group=${quiet}&period=7d&type=NORMAL`)
  await page.route('**/graphql', async (route) => {
    if (route.request().postDataJSON().operationName !== 'Details') return route.fallback()
    const response = await route.fetch()
    const body = await response.json()
    for (const reason of body.data.node.reasons) Object.assign(reason, { scalingPolicyId: 'p', scalingPolicyName: 'nightly', policy: null })
    body.errors = [{ message: 'Not permitted.', path: ['node', 'reasons', 0, 'policy'], extensions: { code: 'FORBIDDEN', retryable: false } }]
    await route.fulfill({ response, json: body })
  })
  const row = page.locator('.row').first()
  await row.getByRole('button').first().click()
  assert.equal(await row.locator('.policy').first().innerText(), 'nightly (deleted, or the policies cannot be read)')
  assert.equal(await row.locator('.problem, .execution').count(), 0)
})

test('the figures over the period are read when they are opened: failures by cause and activities over time', async (t) => {
  const { page, seen } = await visit(t, program.base, `?group=${quiet}&period=7d`)
  await page.locator('.row').first().waitFor()
  assert.equal(asked(seen, 'Insights').length, 0)
  await page.locator('.insights > button').click()
  await page.locator('.causes li').first().waitFor()
  await page.waitForURL(/insights=shown/)
  const [{ variables }] = asked(seen, 'Insights')
  assert.equal(variables.interval, 'HOUR')
  const { scalingInsights } = await query(
    page,
    `{ scalingInsights(groups: [{ groupId: "${quiet}" }], filter: { startTime: "${variables.filter.startTime}" }) { failures(first: 10) { reason example { id } } } }`,
  )
  const { reason, example } = scalingInsights.failures[0]
  const cause = page.locator('.causes li', { hasText: reason }).first()
  assert.match(await page.locator('.histogram svg').getAttribute('aria-label'), /Activities over time: \d+, of which \d+ failed/)
  assert.ok((await page.locator('.bucket').count()) > 0)
  assert.deepEqual(await faultsOf(page), [])
  await cause.getByRole('button').click()
  await page.locator(`.linked .row[data-id="${example.id}"] .ids`).waitFor()
  assert.deepEqual(seen.faults, [])
})

test('the name of a group opens why it is not scaling, and its instances with their health', async (t) => {
  const { page, seen } = await visit(t, program.base, `?group=${busiest}&group=${quiet}`)
  await page.route('**/graphql', async (route) => {
    const { operationName } = route.request().postDataJSON()
    if (operationName !== 'Blockers' && operationName !== 'Instances') return route.fallback()
    const response = await route.fetch()
    const body = await response.json()
    const { scalingGroup } = body.data
    if (operationName === 'Blockers') {
      const policy = { id: 'x', name: 'cpu-above-70' }
      scalingGroup.scalingBlockers = [{ code: 'COOLDOWN', message: 'The last action ended a moment ago.', until: '2030-01-02T03:04:05Z', policy }]
    } else {
      assert.ok(scalingGroup.instances.nodes.length > 1)
      Object.assign(scalingGroup.instances.nodes.at(-1), { health: 'ERROR', rawHealth: 'ERROR', instanceName: 'the-unhealthy-one' })
    }
    await route.fulfill({ response, json: body })
  })
  await page.locator('.strip-name').first().click()
  await page.waitForURL((url) => url.searchParams.get('inspect') === busiest)
  const panel = page.locator('.group-panel')
  await panel.locator('.blockers li').waitFor()
  assert.match(await panel.locator('.blockers li').innerText(), /^Cooldown policy cpu-above-70 until .*03:04:05/)
  await panel.locator('.instances li').first().waitFor()
  assert.match(await panel.locator('.instances li').first().innerText(), /^the-unhealthy-one Unhealthy/)
  assert.match(await panel.locator('.instances p').innerText(), /\d+ instances, 1 unhealthy/)
  assert.deepEqual(await faultsOf(page), [])
  await page.locator('.strip-name').first().click()
  await panel.waitFor({ state: 'detached' })
  assert.deepEqual(seen.faults, [])
})

test('a caller who may not list instances sees so beside them, and the blockers remain', async (t) => {
  const { page } = await visit(t, program.base)
  let count = 0
  await page.route('**/graphql', (route) => {
    if (route.request().postDataJSON().operationName !== 'Instances') return route.fallback()
    count++
    const errors = [{ message: 'Not permitted.', path: ['scalingGroup', 'instances'], extensions: { code: 'FORBIDDEN', retryable: false } }]
    return route.fulfill({ contentType: 'application/json', body: JSON.stringify({ data: { scalingGroup: { id: 'x', instances: null } }, errors }) })
  })
  await page.goto(`${program.base}/console?group=${quiet}&inspect=${quiet}`)
  await page.locator('.instances .problem', { hasText: 'FORBIDDEN' }).waitFor()
  await page.locator('.blockers :is(li, h3 ~ p:not(.quiet))').first().waitFor()
  assert.equal(count, 1)
})

for (const [name, options] of Object.entries({
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 740 } },
  'zh-CN-phone': { locale: 'zh-CN', viewport: { width: 390, height: 740 } },
})) {
  test(`the panels have no serious accessibility fault and fit the window: ${name}`, async (t) => {
    const { page, seen } = await visit(t, program.base, `?group=${quiet}&period=7d&insights=shown&inspect=${quiet}`, options)
    await page.locator('.causes li').first().waitFor()
    await page.locator('.instances li').first().waitFor()
    await page.locator('.blockers :is(li, h3 ~ p:not(.quiet))').first().waitFor()
    await picture(page, `console-panels-${name}`)
    assert.deepEqual(await faultsOf(page), [])
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= page.viewportSize().width, 'it is wider than its window')
    assert.deepEqual(seen.faults, [])
  })
}
