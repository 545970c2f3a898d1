// Tests of the console when something fails: requests are counted, and what is shown recovers by itself.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { open, start, watch } from './browser.js'

let program
before(async () => (program = await start()))
after(() => program?.stop())

const busiest = 'f6fadfa7-e5c1-4b62-9362-da5cc13da58a'
const quiet = '3c3ae353-fb14-428e-90b4-01a6c1cc0aff'

async function newPage(t, options = {}) {
  const browser = await open(options)
  t.after(browser.close)
  const page = await browser.context.newPage()
  page.setDefaultTimeout(30_000)
  return { page, seen: watch(page, program.base) }
}

async function visit(page, search) {
  await page.goto(`${program.base}/console${search}`)
  await page.locator('.row').first().waitFor()
}

const feeds = (seen) => seen.asked.filter((request) => request.operationName === 'Feed')

/** fail responds to a request with an error. */
const fail = (route, code, data = null) => {
  const error = { message: 'It failed.', extensions: { code, retryable: code.startsWith('UPSTREAM') } }
  if (data) error.path = Object.keys(data)
  return route.fulfill({ contentType: 'application/json', body: JSON.stringify({ data, errors: [error] }) })
}

/** failing answers the requests that `applies` selects with an error while `failing.code` is set. */
async function failing(page, applies, code) {
  const fault = { code, count: 0 }
  await page.route('**/graphql', async (route) => {
    const request = route.request().postDataJSON()
    if (!fault.code || !applies(request)) return route.fallback()
    fault.count++
    await fail(route, fault.code, { scalingActivities: null })
  })
  return fault
}

test('a failing next page is requested again with backoff, and its error stands at the end of the list', async (t) => {
  const { page } = await newPage(t)
  const fault = await failing(page, (request) => request.operationName === 'Feed' && request.variables.after, 'UPSTREAM_UNAVAILABLE')
  await visit(page, `?group=${busiest}&period=7d`)
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
  await page.locator('.rows ~ .problem').waitFor()
  await page.waitForTimeout(6000)
  assert.ok(fault.count >= 2 && fault.count <= 6, `${fault.count} requests in 6 s`)
  const rows = await page.locator('.row').count()
  fault.code = undefined
  await page.waitForFunction((rows) => document.querySelectorAll('.row').length > rows, rows)
  assert.equal(await page.locator('.problem').count(), 0)
  await page.locator('.live[data-state=live]').waitFor()
})

test('each kind of request that fails is repeated after pauses that double and are partly random', async (t) => {
  const { page } = await newPage(t)
  await page.addInitScript(() => {
    Math.random = () => 0.37
    window.pauses = []
    const { setTimeout } = window
    window.setTimeout = (run, pause, ...rest) => {
      pauses.push(Math.round(pause))
      return setTimeout(run, pause, ...rest)
    }
  })
  const counts = {}
  let reached
  const fourth = new Promise((resolve) => (reached = resolve))
  await page.route('**/graphql', async (route) => {
    const { operationName } = route.request().postDataJSON()
    counts[operationName] = (counts[operationName] ?? 0) + 1
    await fail(route, 'UPSTREAM_UNAVAILABLE')
    if (counts.Feed === 4) reached()
  })
  await page.goto(`${program.base}/console?group=${quiet}`)
  await fourth
  assert.deepEqual(Object.keys(counts).sort(), ['Feed', 'Groups', 'Live', 'Timeline'])
  for (const [name, count] of Object.entries(counts)) assert.ok(count >= 2 && count <= 5, `${count} requests ${name}`)
  const pauses = await page.evaluate(() => pauses.filter((pause) => pause >= 500 && pause <= 4000))
  assert.deepEqual([...new Set(pauses)].sort((a, b) => a - b).slice(0, 3), [685, 1370, 2740])
})

test('a list that starts at the oldest row reads further only when it is scrolled, and holds its position', async (t) => {
  const { page, seen } = await newPage(t)
  await visit(page, `?group=${busiest}&period=7d&from=oldest`)
  await page.waitForTimeout(4000)
  const untouched = feeds(seen).length
  assert.ok(untouched <= 2, `${untouched} pages were read without scrolling`)
  assert.ok(await page.evaluate(() => scrollY + innerHeight > document.body.scrollHeight - 800), 'it does not start at the oldest row')
  const id = await page.locator('.row').first().getAttribute('data-id')
  await page.evaluate(() => scrollTo(0, 0))
  await page.waitForFunction((id) => document.querySelector('.row').dataset.id !== id, id)
  await page.waitForTimeout(3000)
  assert.ok(feeds(seen).length <= untouched + 2, `${feeds(seen).length} pages after one scroll`)
  assert.ok(await page.evaluate(() => scrollY > 500), 'the rows moved away')
})

test('an expired token opens the token box, keeps the rows, and a new token goes on', async (t) => {
  const { page } = await newPage(t)
  const addresses = []
  page.on('request', (request) => addresses.push(request.url()))
  const fault = await failing(page, (request) => request.operationName === 'Feed' && request.variables.after, 'UNAUTHENTICATED')
  let release
  const rejected = new Promise((resolve) => (release = resolve))
  let held = 0
  await page.route('**/graphql', async (route) => {
    const request = route.request()
    const headers = request.headers()
    if (headers['x-auth-token'] !== 'demo-token') return route.fallback({ headers: { ...headers, 'x-auth-token': 'demo-token' } }) // which the demo accepts
    if (request.postDataJSON().operationName === 'Feed') return route.fallback()
    if (fault.count > 0) return fail(route, 'UNAUTHENTICATED') // the token has expired for every request
    held++ // it begins before the rejection, and its response comes after it
    await rejected
    await route.fallback()
  })
  await visit(page, `?group=${busiest}&period=7d`)
  const rows = await page.locator('.row').count()
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
  await page.locator('.token form').waitFor()
  await page.locator('.live[data-state=expired]').waitFor()
  assert.ok(held > 0, 'no other request was under way')
  await page.evaluate(() => {
    window.states = []
    const live = document.querySelector('.live')
    new MutationObserver(() => states.push(live.dataset.state)).observe(live, { attributeFilter: ['data-state'] })
  })
  release()
  await page.waitForTimeout(1000)
  assert.deepEqual(await page.evaluate(() => states), [], 'an older request made the token count as accepted')
  assert.equal(await page.locator('.row').count(), rows)
  await page.waitForTimeout(2500)
  assert.equal(fault.count, 1, 'it was repeated with the same token')
  fault.code = undefined
  await page.locator('.token input[type=password]').fill('another-token')
  await page.getByLabel('Keep until this tab is closed').check()
  const next = page.waitForRequest((request) => request.postDataJSON()?.variables?.after !== undefined && request.headers()['x-auth-token'] === 'another-token')
  await page.getByRole('button', { name: 'Use this token' }).click()
  await next
  assert.equal(await page.evaluate(() => sessionStorage.getItem('token')), 'another-token')
  await page.locator('.token form').waitFor({ state: 'detached' })
  await page.locator('.live[data-state=live]').waitFor()
  await page.locator('.problem').waitFor({ state: 'detached' })
  await page.locator('.token > button').click()
  await page.locator('.token input[type=password]').fill('third-token')
  await page.getByLabel('Keep until this tab is closed').uncheck()
  await page.getByRole('button', { name: 'Use this token' }).click()
  assert.equal(await page.evaluate(() => sessionStorage.getItem('token')), null)
  assert.deepEqual([...addresses, page.url()].filter((address) => /another-token|third-token/.test(address)), [])
})

test('the state of the page is honest, and recovers by itself', async (t) => {
  const { page } = await newPage(t, { timezoneId: 'UTC' })
  let stale = true
  await page.route('**/graphql', async (route) => {
    if (!stale || route.request().postDataJSON().operationName !== 'Feed') return route.fallback()
    const response = await route.fetch()
    const body = await response.json()
    Object.assign(body.data.scalingActivities, { stale: true, asOf: '2026-01-02T03:04:05Z' })
    await route.fulfill({ response, json: body })
  })
  const until = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString() // no change reads the list again
  await visit(page, `?group=${busiest}&period=range&until=${until}`)
  await page.locator('.live[data-state=stale]').waitFor()
  assert.match(await page.locator('.live').innerText(), /unavailable.* Jan 2.*03:04:05/)
  stale = false
  await page.locator('.live[data-state=live]').waitFor()
})

test('an unavailable cloud and a lost connection are shown, and both recover by themselves', async (t) => {
  const { page } = await newPage(t)
  const fault = await failing(page, (request) => request.operationName === 'Feed', 'UPSTREAM_UNAVAILABLE')
  let lost = false
  await page.route('**/graphql', (route) => (lost && route.request().postDataJSON().operationName === 'Live' ? route.abort() : route.fallback()))
  await page.goto(`${program.base}/console?group=${busiest}`)
  await page.locator('.live[data-state=unavailable]').waitFor()
  assert.equal(await page.locator('.problem code').first().innerText(), 'UPSTREAM_UNAVAILABLE')
  lost = true
  fault.code = undefined
  await page.locator('.row').first().waitFor()
  await page.locator('.picker > button').click()
  await page.locator('.panel li:not(:has(:checked)) input').first().check() // subscribes anew, in vain
  await page.locator('.live[data-state=reconnecting]').waitFor()
  lost = false
  await page.locator('.live[data-state=live]').waitFor()
  await page.locator('.problem').waitFor({ state: 'detached' })
})

test('a filter change keeps the focus, the open popover and the open row; Escape, a click outside and a focus outside close the popover', async (t) => {
  const { page } = await newPage(t)
  await visit(page, `?group=${busiest}&period=1d&status=FAIL`)
  const id = await page.locator('.row').first().getAttribute('data-id')
  await page.locator(`.row[data-id="${id}"] > button`).click()
  await page.getByLabel('Status').focus()
  await page.getByLabel('Status').selectOption('')
  await page.waitForFunction(() => document.querySelector('.row:not([data-outcome=FAILED])'))
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'SELECT')
  await page.getByLabel('Status').selectOption('FAIL')
  await page.waitForFunction(() => !document.querySelector('.row:not([data-outcome=FAILED])'))
  assert.equal(await page.locator(`.row[data-id="${id}"] > button`).getAttribute('aria-expanded'), 'true')
  await page.locator('.types button').first().click()
  await page.getByLabel('Scaling action').check()
  await page.waitForTimeout(1000)
  assert.ok(await page.locator('.types fieldset').isVisible())
  await page.keyboard.press('Escape')
  assert.equal(await page.locator('.types fieldset').count(), 0)
  await page.locator('.types button').first().click()
  await page.locator('.types fieldset').waitFor()
  await page.locator('.bar .live').click() // takes no focus
  assert.equal(await page.locator('.types fieldset').count(), 0)
  await page.locator('.types button').first().click()
  await page.locator('.types fieldset').waitFor()
  await page.getByLabel('Status').focus()
  assert.equal(await page.locator('.types fieldset').count(), 0)
})

test('a filter change keeps the scroll position', async (t) => {
  const { page } = await newPage(t)
  const until = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString() // no row arrives meanwhile
  await visit(page, `?group=${busiest}&period=range&until=${until}`)
  const before = await page.evaluate(() => (scrollTo(0, 400), scrollY))
  assert.ok(before > 300, `it scrolled to ${before}`)
  await page.getByLabel('Status').selectOption('FAIL')
  await page.waitForFunction(() => !document.querySelector('.row:not([data-outcome=FAILED])') && document.querySelector('.row'))
  const after = await page.evaluate(() => scrollY)
  assert.ok(Math.abs(after - before) < 200, `from ${before} to ${after}`)
})

test('relative periods are rounded, so that requests within a step are the same', async (t) => {
  const { page, seen } = await newPage(t)
  const hour = 3600
  const at = (Math.floor(Date.now() / 1000 / hour) - 1) * hour + 7 * 60 + 23.456 // in the middle of each step
  await page.clock.setFixedTime(at * 1000)
  for (const [period, length, step] of [['1h', hour, 60], ['6h', 6 * hour, 300], ['1d', 24 * hour, 300], ['7d', 7 * 24 * hour, hour]]) {
    await page.goto('about:blank')
    seen.asked.length = 0
    await visit(page, `?group=${busiest}&period=${period}`)
    const since = seen.asked.flatMap(({ variables }) => variables?.filter?.startTime ?? []).map((time) => Date.parse(time) / 1000)
    assert.deepEqual([...new Set(since)], [Math.floor((at - length) / step) * step], period)
  }
})

test('cause and result are apart, and the strip counts what the list shows', async (t) => {
  const { page } = await newPage(t)
  await visit(page, `?group=${busiest}&period=1d&type=ELB_CHECK_DELETE`)
  const row = page.locator('.row[data-type=ELB_CHECK_DELETE][data-outcome=SUCCEEDED]').first()
  await row.waitFor()
  assert.doesNotMatch(await row.innerText(), /fail/i)
  await visit(page, `?group=${quiet}&period=1d`)
  const figures = await page.locator('.strip-count').first().waitFor().then(() => page.locator('.strip-note').first().innerText())
  const failed = Number(figures.match(/(\d+) failed/)?.[1] ?? 0)
  await page.getByLabel('Status').selectOption('FAIL')
  await page.waitForFunction((failed) => document.querySelector('.tally').textContent.match(/of ([\d,]+)/)?.[1] === String(failed), failed)
})

test('partly failed activities can be filtered for, and the strip counts them', async (t) => {
  const { page } = await newPage(t)
  let id
  await page.route('**/graphql', async (route) => {
    const { operationName } = route.request().postDataJSON()
    if (operationName !== 'Feed' && operationName !== 'Timeline') return route.fallback()
    const response = await route.fetch()
    const body = await response.json()
    const { scalingActivities, scalingGroup } = body.data
    const nodes = scalingActivities?.edges.map((edge) => edge.node) ?? scalingGroup.activities.nodes
    id ??= nodes.find((node) => node.outcome === 'SUCCEEDED').id
    for (const node of nodes) if (node.id === id) node.outcome = 'PARTIALLY_FAILED' // the demo has none
    await route.fulfill({ response, json: body })
  })
  const until = new Date().toISOString()
  await visit(page, `?group=${quiet}&period=range&since=${new Date(Date.now() - 86_400_000).toISOString()}&until=${until}&status=PARTLY`)
  assert.deepEqual(await page.locator('.row').evaluateAll((rows) => rows.map((row) => row.dataset.id)), [id])
  assert.equal(await page.locator('.row .outcome').innerText(), 'Partly failed')
  await page.locator('.strip .paper[aria-label$=" 1 partly failed"]').waitFor()
})

test('without scripts, and if they cannot be loaded, the page says so; a badge marks the demo', async (t) => {
  const off = await newPage(t, { javaScriptEnabled: false })
  const { page } = await newPage(t)
  await page.route('**/assets/*.js', (route) => route.abort())
  for (const path of ['/console', '/graphiql']) {
    await off.page.goto(program.base + path)
    await off.page.locator('noscript b').waitFor() // text selectors skip noscript
    await page.goto(program.base + path)
    await page.getByText('its scripts could not be loaded').waitFor()
  }
  await page.unroute('**/assets/*.js')
  await visit(page, '')
  await page.getByText('Demo data').waitFor()
})

test('every view is a link, Back and Forward work, and a link opens one activity', async (t) => {
  const { page } = await newPage(t)
  await visit(page, `?group=${busiest}&period=1d`)
  await page.getByLabel('Status').selectOption('FAIL')
  await page.waitForURL(/status=FAIL/)
  await page.goBack()
  await page.waitForURL((url) => !url.search.includes('status'))
  assert.equal(await page.getByLabel('Status').inputValue(), '')
  await page.goForward()
  assert.equal(await page.getByLabel('Status').inputValue(), 'FAIL')
  const id = await page.locator('.row').first().getAttribute('data-id')
  await visit(page, `?group=${busiest}&activity=${encodeURIComponent(id)}`)
  await page.locator(`.linked .row[data-id="${id}"] .ids`).waitFor()
})

test('Chinese is shown by browser language, and by the switch', async (t) => {
  const { page } = await newPage(t, { locale: 'zh-CN' })
  await visit(page, `?group=${busiest}`)
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN')
  await page.getByText('演示数据').waitFor()
  assert.match(await page.locator('.day h3').first().innerText(), /^\d{4}年\d{1,2}月\d{1,2}日星期/)
  await page.locator('.token > button').click()
  await page.getByRole('button', { name: '使用此令牌' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByLabel('语言').selectOption('en')
  await page.getByText('Demo data').waitFor()
})

test('the picker finds groups by name, and the project is one choice', async (t) => {
  const { page } = await newPage(t)
  await visit(page, `?group=${busiest}`)
  await page.locator('.picker > button').click()
  const entries = page.locator('.panel li')
  await entries.first().waitFor()
  const name = await entries.first().locator('span').innerText()
  await page.getByLabel('Search groups by name').fill(name)
  assert.equal(await entries.first().locator('span').innerText(), name)
  await page.getByLabel('All groups of the project').check()
  await page.waitForURL(/project=all/)
  await page.keyboard.press('Escape')
  await page.locator('.row').first().waitFor()
  await page.locator('.fold[aria-expanded=false]', { hasText: 'Show all' }).waitFor()
  assert.equal(await page.locator('.strip').count(), 4, 'the other strips are not collapsed')
})

test('an absolute range bounds the feed, and follows the time zone that is chosen', async (t) => {
  const { page, seen } = await newPage(t, { timezoneId: 'Asia/Shanghai' })
  const hour = 3_600_000
  const until = new Date(Math.floor(Date.now() / hour) * hour)
  const since = new Date(until - 72 * hour)
  await visit(page, `?group=${quiet}&period=range&since=${since.toISOString()}&until=${until.toISOString()}`)
  const { filter } = feeds(seen).at(-1).variables
  assert.deepEqual(filter, { startTime: since.toISOString(), endTime: until.toISOString() })
  const input = page.getByLabel('From', { exact: true })
  const inShanghai = new Date(since.getTime() + 8 * hour).toISOString().slice(0, 16)
  assert.equal(await input.inputValue(), inShanghai)
  const shown = page.locator('.row time').first()
  const start = await shown.getAttribute('datetime')
  await page.getByLabel('Time zone').selectOption('UTC')
  await page.waitForFunction((since) => document.querySelector('input[type=datetime-local]').value === since, since.toISOString().slice(0, 16))
  assert.equal(await shown.innerText(), start.slice(11, 19))
  await input.fill(new Date(since.getTime() + hour).toISOString().slice(0, 16))
  await page.waitForURL((url) => url.searchParams.get('since') === new Date(since.getTime() + hour).toISOString())
})

test('ids and the link of an activity can be copied', async (t) => {
  const { page } = await newPage(t, { permissions: ['clipboard-read', 'clipboard-write'] })
  await visit(page, `?group=${quiet}&period=7d`)
  const row = page.locator('.row').first()
  await row.getByRole('button').first().click()
  const copied = async (label, place) => {
    await row.getByRole('button', { name: label, exact: true }).first().click()
    await row.locator('.copy').nth(place).filter({ hasText: 'Copied' }).waitFor()
    return page.evaluate(() => navigator.clipboard.readText())
  }
  assert.equal(await copied('Copy id', 0), await row.locator('.ids code').first().innerText())
  await page.goto(await copied('Copy link', 2))
  await page.locator('.linked .row .ids').waitFor()
})

test('the current view is exported as CSV and NDJSON, and the last line says whether it is complete', async (t) => {
  const { page } = await newPage(t)
  await visit(page, `?group=${quiet}&period=1d`)
  for (const [button, last] of [['CSV', /^# complete: true, rows: (\d+)$/], ['NDJSON', /^\{"complete":true,"rows":(\d+)\}$/]]) {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: button, exact: true }).click()
    const stream = await (await download).createReadStream()
    let text = ''
    for await (const chunk of stream) text += chunk
    const lines = text.trim().split('\n')
    const rows = Number(lines.at(-1).match(last)?.[1])
    assert.ok(rows > 0 && rows === lines.length - (button === 'CSV' ? 2 : 1), `${button}: ${lines.at(-1)}`)
  }
})

test('an export can be cancelled, and its last line says that it is incomplete', async (t) => {
  const { page } = await newPage(t)
  await visit(page, `?group=${quiet}&period=7d`)
  let requested
  const reached = new Promise((resolve) => (requested = resolve))
  await page.route('**/graphql', (route) => (route.request().postDataJSON().variables?.first === 200 ? requested() : route.fallback()))
  await page.getByRole('button', { name: 'NDJSON', exact: true }).click()
  await reached // and never responded to
  await page.locator('.export progress').waitFor()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Cancel' }).click()
  const stream = await (await download).createReadStream()
  let text = ''
  for await (const chunk of stream) text += chunk
  assert.equal(text, '{"complete":false,"rows":0}\n')
  await page.locator('.export [role=status]').getByText('incomplete').waitFor()
})
