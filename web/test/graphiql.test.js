import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { faultsOf } from './axe.js'
import { open, picture, start, watch } from './browser.js'

let program
before(async () => (program = await start()))
after(() => program?.stop())

/** graphiql opens the page as somebody who has never been there. */
async function graphiql(t, options = {}) {
  const browser = await open(options)
  t.after(browser.close)
  const page = await browser.context.newPage()
  const seen = watch(page, program.base)
  await page.goto(`${program.base}/`)
  await page.locator('.graphiql-query-editor .view-line').first().waitFor()
  page.setDefaultTimeout(30_000)
  return { page, seen }
}

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
  const { page } = await graphiql(t)
  await page.route('**/graphiql', async (route) => {
    const response = await route.fetch()
    const body = (await response.text()).replace('"token":"demo-token"', '"token":"","header":"Authorization"')
    assert.ok(body.includes('"header":"Authorization"'), 'the page has no token of the demo')
    await route.fulfill({ response, body })
  })
  await page.evaluate(() => sessionStorage.clear())
  await page.reload()
  await page.locator('.graphiql-query-editor .view-line').first().waitFor()
  await page.getByLabel('Authorization').fill('my-key')
  const sent = page.waitForRequest((request) => request.postData()?.includes('OneGroup') ?? false)
  await tabOf(page, 'OneGroup').click()
  await page.locator('.graphiql-execute-button').click()
  const headers = (await sent).headers()
  assert.equal(headers.authorization, 'Bearer my-key')
  assert.equal(headers['x-auth-token'], undefined)
})

test('a browser that opens /graphql is led to GraphiQL, and /graphiql/ and /console/ work', async (t) => {
  const { page, seen } = await graphiql(t)
  await page.goto(`${program.base}/graphql`)
  assert.equal(new URL(page.url()).pathname, '/graphiql')
  for (const path of ['/graphiql/', '/console/']) {
    await page.goto(program.base + path)
    await page.locator('.graphiql-query-editor, .row').first().waitFor()
  }
  assert.deepEqual(seen.faults, [])
})

test('tabs that were stored for the demo do not come back on a real upstream', async (t) => {
  const { page } = await graphiql(t)
  const names = await page.evaluate(() => Object.keys(localStorage))
  assert.ok(names.length > 0 && names.every((name) => name.startsWith('scalegraph:demo:')), names.join())
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
