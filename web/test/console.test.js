import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { faultsOf } from './axe.js'
import { picture, start, visit as open } from './browser.js'

let program
before(async () => (program = await start()))
after(() => program?.stop())

const busiest = 'f6fadfa7-e5c1-4b62-9362-da5cc13da58a'
const quiet = '3c3ae353-fb14-428e-90b4-01a6c1cc0aff'

async function visit(t, search = '', options = {}) {
  const visited = await open(t, program.base, search, options)
  await visited.page.locator('.row').first().waitFor()
  return visited
}

const asked = (seen, name) => seen.asked.filter((request) => request.operationName === name)

/** rowsOf returns the ids and start times of all rows that are shown. */
const rowsOf = (page) =>
  page.locator('.row').evaluateAll((rows) => rows.map((row) => ({ id: row.dataset.id, start: row.querySelector('time').dateTime })))

function assertOnceInOrder(rows) {
  assert.equal(new Set(rows.map((row) => row.id)).size, rows.length, 'a row is there twice')
  for (let i = 1; i < rows.length; i++) assert.ok(rows[i - 1].start >= rows[i].start, `row ${i} is out of order`)
}

/** until scrolls to one end, again and again, until enough rows are there. */
async function until(page, count, to) {
  await page.waitForFunction(
    ([count, to]) => {
      window.scrollTo(0, to === 'bottom' ? document.body.scrollHeight : 0)
      return document.querySelectorAll('.row').length >= count
    },
    [count, to],
    { polling: 100 },
  )
}

test('the console reads on as one scrolls down, each row once and in order', async (t) => {
  const { page, seen } = await visit(t, `?group=${busiest}&group=${quiet}&period=1d`)
  await until(page, 300, 'bottom')
  assertOnceInOrder(await rowsOf(page))
  assert.ok(asked(seen, 'Feed').filter((request) => request.variables.after).length >= 6)
  assert.deepEqual(seen.faults, [])
})

test('from the oldest activity on it reads on as one scrolls up', async (t) => {
  const { page, seen } = await visit(t, `?group=${quiet}&period=7d&from=oldest`)
  const oldest = (await rowsOf(page)).at(-1)
  await until(page, 90, 'top')
  const rows = await rowsOf(page)
  assertOnceInOrder(rows)
  assert.deepEqual(rows.at(-1), oldest)
  assert.ok(asked(seen, 'Feed').some((request) => request.variables.before))
  assert.deepEqual(seen.faults, [])
})

test('details are asked for when a row is opened, and not before', async (t) => {
  const { page, seen } = await visit(t, `?group=${busiest}&period=all&status=FAIL`)
  await page.locator('.strip-count').first().waitFor()
  const heavy = /(Instances|LoadBalancers|failure) \{/
  assert.deepEqual(seen.asked.filter((request) => heavy.test(request.query)), [], 'lists were asked for before a row was opened')
  const row = page.locator('.row').first()
  await row.getByRole('button').first().click()
  await row.locator('.failure strong').first().waitFor()
  const details = asked(seen, 'Details')
  assert.equal(details.length, 1)
  assert.equal(details[0].variables.id, await row.getAttribute('data-id'))
  const cost = page.locator('.costs tr', { hasText: 'Details' })
  await cost.waitFor({ state: 'attached' })
  assert.ok(!(await cost.isVisible()), 'the drawer for developers is open')
  await page.locator('.costs > summary').click()
  assert.ok(await cost.isVisible(), 'the drawer for developers does not open')
  assert.deepEqual(seen.faults, [])
})

test('an activity arrives and finishes while one looks', async (t) => {
  const { page, seen } = await visit(t, `?group=${busiest}`)
  const before = (await rowsOf(page)).map((row) => row.id)
  const arrived = await page.waitForFunction(
    (known) => [...document.querySelectorAll('.row[data-outcome=IN_PROGRESS]')].find((row) => !known.includes(row.dataset.id))?.dataset.id,
    before,
    { timeout: 60_000 },
  )
  const id = await arrived.jsonValue()
  await page.locator(`.row[data-id="${id}"]:not([data-outcome=IN_PROGRESS]) .took`).waitFor({ timeout: 60_000 })
  assertOnceInOrder(await rowsOf(page))
  assert.equal(asked(seen, 'Live').length, 1)
  assert.deepEqual(seen.faults, [])
})

test('filters narrow the feed and stand in the address', async (t) => {
  const { page, seen } = await visit(t, `?group=${busiest}`)
  await page.getByLabel('Status').selectOption('FAIL')
  await page.locator('.row[data-outcome=FAILED]').first().waitFor()
  await page.locator('.types button').first().click()
  await page.getByLabel('Instance count corrected').check()
  await page.getByLabel('Period').selectOption('6h')
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('.row')]
    return rows.length > 0 && rows.every((row) => row.dataset.outcome === 'FAILED' && row.textContent.includes('Instance count corrected'))
  })
  assert.match(new URL(page.url()).search, /type=DIFF.*status=FAIL.*period=6h/)
  assert.deepEqual(seen.faults, [])
})

test('the arrow keys move between rows, and Enter opens and closes one', async (t) => {
  const { page, seen } = await visit(t, `?group=${quiet}&period=7d`)
  const rows = page.locator('.row > button')
  await rows.first().focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.locator('.row').nth(2).locator('.ids').waitFor()
  assert.equal(await rows.nth(2).getAttribute('aria-expanded'), 'true')
  await page.keyboard.press('Enter')
  assert.equal(await rows.nth(2).getAttribute('aria-expanded'), 'false')
  assert.deepEqual(seen.faults, [])
})

/** tabTo presses Tab until an element that matches has the focus. */
async function tabTo(page, selector) {
  for (let i = 0; i < 60; i++) {
    if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return
    await page.keyboard.press('Tab')
  }
  assert.fail(`60 times Tab did not reach ${selector}`)
}

test('the keyboard alone chooses a group, filters, opens a row, and exports', async (t) => {
  const { page, seen } = await open(t, program.base, '?group=&period=7d')
  await tabTo(page, '.picker > button')
  await page.keyboard.press('Enter')
  await page.locator('.panel li').nth(1).waitFor()
  await tabTo(page, '.panel input[type=search]')
  await page.keyboard.type('archive')
  await page.waitForFunction(() => document.querySelectorAll('.panel li').length === 1)
  await tabTo(page, '.panel li input')
  await page.keyboard.press('Space')
  await page.waitForURL((url) => url.searchParams.get('group') === quiet)
  await page.keyboard.press('Escape')
  await page.locator('.panel').waitFor({ state: 'detached' })
  await page.locator('.row').first().waitFor()

  await tabTo(page, '.filters label:has(option[value=FAIL]) select')
  await page.keyboard.type('Fai')
  await page.waitForURL(/status=FAIL/)
  await page.locator('.row').first().waitFor()
  await page.waitForFunction(() => [...document.querySelectorAll('.row')].every((row) => row.dataset.outcome === 'FAILED'))

  await tabTo(page, '.export button')
  const download = page.waitForEvent('download')
  await page.keyboard.press('Enter')
  assert.match((await download).suggestedFilename(), /\.csv$/)
  await page.locator('.export [role=status]').waitFor()
  assert.ok(await page.evaluate(() => document.activeElement.matches('.export button')), 'the export took the focus away')

  await tabTo(page, '.row > button')
  await page.keyboard.press('Enter')
  await page.locator('.row .ids').waitFor()
  assert.deepEqual(seen.faults, [])
})

test('the first load is under 250 kB', async (t) => {
  const { page } = await visit(t)
  await page.evaluate(() => document.fonts.ready)
  const sizes = await page.evaluate(() =>
    performance
      .getEntries()
      .filter((entry) => entry.entryType === 'navigation' || (entry.entryType === 'resource' && !entry.name.endsWith('/graphql')))
      .map((entry) => [entry.name, entry.encodedBodySize]),
  )
  const total = sizes.reduce((sum, [, size]) => sum + size, 0)
  t.diagnostic(`${(total / 1000).toFixed(1)} kB in ${sizes.length} files`)
  assert.ok(sizes.length >= 5 && sizes.every(([, size]) => size > 0), `sizes are unknown: ${JSON.stringify(sizes)}`)
  assert.ok(total < 250_000, `${total} bytes: ${JSON.stringify(sizes)}`)
})

for (const [name, options] of Object.entries({
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 740 } },
  'phone-dark': { colorScheme: 'dark', viewport: { width: 390, height: 740 } },
  'zh-CN-light': { colorScheme: 'light', locale: 'zh-CN' },
  'zh-CN-dark': { colorScheme: 'dark', locale: 'zh-CN' },
  'zh-CN-phone': { colorScheme: 'light', locale: 'zh-CN', viewport: { width: 390, height: 740 } },
  'zh-CN-phone-dark': { colorScheme: 'dark', locale: 'zh-CN', viewport: { width: 390, height: 740 } },
})) {
  test(`it has no serious accessibility fault and fits its window: ${name}`, async (t) => {
    const { page, seen } = await visit(t, '', options)
    await page.locator('.strip-count').nth(2).waitFor()
    await page.locator('.costs tbody tr').nth(3).waitFor({ state: 'attached' })
    await picture(page, `console-${name}`)
    assert.deepEqual(await faultsOf(page), [])
    await page.locator('.row > button').first().click()
    await page.locator('.ids').waitFor()
    assert.deepEqual(await faultsOf(page), [])
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= page.viewportSize().width, 'it is wider than its window')
    assert.deepEqual(seen.faults, [])
  })
}
