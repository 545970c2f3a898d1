import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { faultsOf } from './axe.js'
import { freePort, open, picture, start, watch } from './browser.js'

let program
before(async () => (program = await start()))
after(() => program?.stop())

/** graphiql opens the page as somebody who has never been there. */
async function graphiql(t, options = {}, base = program.base) {
  const browser = await open(options)
  t.after(browser.close)
  const page = await browser.context.newPage()
  const seen = watch(page, base)
  await page.goto(`${base}/`)
  await page.locator('.graphiql-query-editor .view-line').first().waitFor()
  page.setDefaultTimeout(30_000)
  return { page, seen }
}

/** cloud is the environment of a program with a real upstream that does not respond. */
const cloud = { SCALEGRAPH_UPSTREAM: 'http://127.0.0.1:9', SCALEGRAPH_PROJECT: 'project' }

const tabOf = (page, name) => page.locator('.graphiql-tab-button', { hasText: name })

/** answer runs what the tab of that name holds and returns what the response says once it matches. */
async function answer(page, tab, expected, timeout = 30_000) {
  await tabOf(page, tab).click()
  await page.locator('.graphiql-execute-button').click()
  const response = page.locator('.result-window')
  await response.getByText(expected).first().waitFor({ timeout })
  return response
}

test('GraphiQL opens at / with examples that run, reaches nothing outside and has no fault', async (t) => {
  const { page, seen } = await graphiql(t)
  assert.equal(new URL(page.url()).pathname, '/graphiql')
  await answer(page, 'MyGroups', '"currentInstances"')
  await answer(page, 'OneGroup', '"totalCount"')
  await answer(page, 'Failures', '"failedInstances"')
  await answer(page, 'MergedFeed', '"scalingActivities"')
  await answer(page, 'Summary', '"activitySummary"')
  assert.deepEqual(
    seen.asked.map((asked) => asked.operationName),
    ['IntrospectionQuery', 'MyGroups', 'OneGroup', 'Failures', 'MergedFeed', 'Summary'],
  )
  await tabOf(page, 'MyGroups').click()
  await picture(page, 'graphiql')
  assert.deepEqual(seen.faults, [])
})

test('deferred parts come after the rest, and a subscription pushes changes', async (t) => {
  const { page, seen } = await graphiql(t)
  const streamed = page.waitForResponse((response) => response.request().postData()?.includes('Deferred') ?? false)
  await answer(page, 'Deferred', '"failedInstances"')
  assert.match((await streamed).headers()['content-type'], /^multipart\/mixed/)
  const socket = page.waitForEvent('websocket')
  const response = await answer(page, 'Live', '"scalingActivityChanged"', 60_000)
  assert.match((await socket).url(), /\/graphql$/)
  await response.getByText('"cursor"').first().waitFor()
  await page.locator('.graphiql-execute-button').click() // stops it
  assert.deepEqual(seen.faults, [])
})

test('the explorer and the documentation open', async (t) => {
  const { page, seen } = await graphiql(t)
  await page.getByRole('button', { name: /GraphiQL Explorer/ }).click()
  await page.getByText('scalingActivities').first().waitFor()
  await page.getByRole('button', { name: /Documentation Explorer/ }).click()
  await page.getByText('Root Types').waitFor()
  assert.deepEqual(seen.faults, [])
})

test('one bar has the token and the groups for all tabs', async (t) => {
  const { page, seen } = await graphiql(t)
  await page.getByText('Demo data').waitFor()
  const groups = await page.getByLabel('Groups', { exact: true }).inputValue()
  await page.getByLabel('X-Auth-Token').fill('my-token')
  for (const tab of ['OneGroup', 'Failures']) {
    const sent = page.waitForRequest((request) => request.postData()?.includes(tab) ?? false)
    await tabOf(page, tab).click()
    await page.locator('.graphiql-execute-button').click()
    assert.equal((await sent).headers()['x-auth-token'], 'my-token')
    assert.equal((await sent).postDataJSON().variables.group, groups.split(', ')[0])
  }
  assert.deepEqual(seen.faults, [])
})

test('without ids in the bar the tabs read the first group of the project, and an error of the list is shown', async (t) => {
  const { page, seen } = await graphiql(t)
  await page.getByLabel('Groups', { exact: true }).fill('')
  const listed = page.waitForResponse((response) => response.request().postData()?.includes('FirstGroups') ?? false)
  await answer(page, 'OneGroup', '"totalCount"')
  const { data } = await (await listed).json()
  assert.equal(seen.asked.at(-1).variables.group, data.project.scalingGroups.nodes[0].groupId)
  await page.route('**/graphql', (route) => {
    if (!route.request().postData().includes('FirstGroups')) return route.fallback()
    const errors = [{ message: 'Not permitted.', path: ['project'], extensions: { code: 'FORBIDDEN' } }]
    return route.fulfill({ contentType: 'application/json', body: JSON.stringify({ data: { project: null }, errors }) })
  })
  await answer(page, 'Failures', 'FORBIDDEN')
  assert.deepEqual(seen.faults, [])
})

test('a server that signs its own requests is offered a key in the header Authorization', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const callers = join(folder, 'callers')
  writeFileSync(callers, 'somebody my-key *\n', { mode: 0o600 })
  const signing = await start({ ...cloud, SCALEGRAPH_AUTH: 'aksk', SCALEGRAPH_AK: 'AK', SCALEGRAPH_SK: 'SK', SCALEGRAPH_CLIENT_KEYS_FILE: callers })
  t.after(signing.stop)
  const { page } = await graphiql(t, {}, signing.base)
  await page.getByLabel('Authorization').fill('my-key')
  await page.getByLabel('Groups', { exact: true }).fill('some-group')
  const sent = page.waitForRequest((request) => request.postData()?.includes('OneGroup') ?? false)
  await tabOf(page, 'OneGroup').click()
  await page.locator('.graphiql-execute-button').click()
  const headers = (await sent).headers()
  assert.equal(headers.authorization, 'Bearer my-key')
  assert.equal(headers['x-auth-token'], undefined)
})

test('a browser that opens /graphql is led to GraphiQL, /graphiql/ and /console/ work, and all have an icon', async (t) => {
  const { page, seen } = await graphiql(t)
  await page.goto(`${program.base}/graphql`)
  assert.equal(new URL(page.url()).pathname, '/graphiql')
  for (const path of ['/graphiql/', '/console/']) {
    await page.goto(program.base + path)
    await page.locator('.graphiql-query-editor, .row').first().waitFor()
    const icon = await page.evaluate(async () => (await fetch(document.querySelector('link[rel=icon]').href)).headers.get('content-type'))
    assert.equal(icon, 'image/svg+xml')
  }
  assert.equal((await page.request.get(`${program.base}/favicon.ico`)).headers()['content-type'], 'image/svg+xml')
  assert.deepEqual(seen.faults, [])
})

test('tabs and the values of the bar that were stored for the demo do not come back on a real upstream', async (t) => {
  const SCALEGRAPH_LISTEN = `127.0.0.1:${await freePort()}`
  const demo = await start({ SCALEGRAPH_LISTEN })
  t.after(demo.stop)
  const { page } = await graphiql(t, {}, demo.base)
  await page.locator('.graphiql-query-editor .view-line').first().click()
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.insertText('query EditedInTheDemo { __typename }')
  await tabOf(page, 'EditedInTheDemo').waitFor()
  await page.waitForFunction(() => Object.values(localStorage).some((value) => value.includes('EditedInTheDemo')))
  await page.reload()
  await tabOf(page, 'EditedInTheDemo').waitFor()
  const labels = ['X-Auth-Token', 'Project', 'Groups']
  for (const label of labels) await page.getByLabel(label, { exact: true }).fill(`${label}-of-the-demo`)
  await page.reload()
  await tabOf(page, 'EditedInTheDemo').waitFor()
  for (const label of labels) assert.equal(await page.getByLabel(label, { exact: true }).inputValue(), `${label}-of-the-demo`)
  await demo.stop()

  const real = await start({ SCALEGRAPH_LISTEN, ...cloud })
  t.after(real.stop)
  assert.equal(real.base, demo.base)
  await page.reload()
  await tabOf(page, 'MyGroups').waitFor()
  assert.equal(await tabOf(page, 'EditedInTheDemo').count(), 0)
  assert.equal(await page.getByText('Demo data').count(), 0)
  for (const label of labels) assert.equal(await page.getByLabel(label, { exact: true }).inputValue(), '', label)
})

test('in a Chinese browser the bar and the examples are in Chinese, and the switch changes the bar', async (t) => {
  const { page, seen } = await graphiql(t, { locale: 'zh-CN' })
  await page.getByText('演示数据').waitFor()
  await page.getByLabel('项目').waitFor()
  await tabOf(page, 'OneGroup').click()
  await page.locator('.graphiql-query-editor .view-line', { hasText: '一个伸缩组的最新活动' }).waitFor()
  assert.deepEqual(await faultsOf(page), [])
  await page.getByLabel('语言').selectOption('en')
  await page.getByLabel('Project').waitFor()
  assert.deepEqual(seen.faults, [])
})

for (const colorScheme of ['light', 'dark']) {
  test(`GraphiQL has no serious accessibility fault in ${colorScheme} colours`, async (t) => {
    const { page } = await graphiql(t, { colorScheme })
    await answer(page, 'OneGroup', '"totalCount"')
    assert.deepEqual(await faultsOf(page), [])
    await page.getByRole('button', { name: /Documentation Explorer/ }).click()
    await page.getByText('Root Types').waitFor()
    assert.deepEqual(await faultsOf(page), [])
    await page.getByRole('button', { name: /GraphiQL Explorer/ }).click()
    await page.locator('.graphiql-explorer-root').waitFor()
    assert.deepEqual(await faultsOf(page), [])
  })
}
