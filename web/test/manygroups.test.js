// Tests of the console with a project of 50 groups.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { picture, start, visit } from './browser.js'

let upstream
let program
before(async () => {
  upstream = spawn('go', ['run', './web/test/manygroups'], { cwd: join(import.meta.dirname, '../..'), stdio: ['pipe', 'pipe', 'inherit'] })
  const { value: url } = await createInterface({ input: upstream.stdout })[Symbol.asyncIterator]().next()
  program = await start({ SCALEGRAPH_UPSTREAM: url, SCALEGRAPH_PROJECT: 'project' })
})
after(async () => {
  await program?.stop()
  upstream?.stdin.end()
})

const token = 'token'
const windowHeight = 860

/** choose opens the picker and checks the only group that a search finds. */
async function choose(page, name) {
  await page.locator('.picker > button').click()
  const entries = page.locator('.panel li')
  await entries.first().waitFor()
  await page.getByLabel('Search groups by name').fill(name)
  await page.waitForFunction(() => document.querySelectorAll('.panel li').length === 1)
  assert.match(await entries.innerText(), new RegExp(`${name}[^]*In service[^]*1[^]*9`, 'i'), 'status or sizes are missing')
  await entries.locator('input').check()
  await page.keyboard.press('Escape')
}

test('a project of 50 groups leaves the feed in sight, and a search finds one of them', async (t) => {
  const { page, seen } = await visit(t, program.base, '?period=7d')
  await page.locator('.token input[type=password]').fill(token)
  await page.getByRole('button', { name: 'Use this token' }).click()
  assert.equal(await page.locator('.badge').count(), 0, 'a real upstream has the badge of the demo')
  await page.locator('.picker > button').click()
  await page.getByLabel('All groups of the project').check()
  const panel = await page.locator('.panel').boundingBox()
  assert.equal(await page.locator('.panel li').count(), 50)
  assert.ok(panel.y + panel.height <= windowHeight, `the picker ends at ${panel.y + panel.height}`)
  await picture(page, 'console-picker')
  await page.keyboard.press('Escape')

  const row = page.locator('.row').first()
  await row.waitFor()
  const { y, height } = await row.boundingBox()
  assert.ok(y + height < windowHeight, `the first row is at ${y}`)
  assert.equal(await page.locator('.strip').count(), 4)
  await page.getByRole('button', { name: 'Show all 50' }).click()
  assert.equal(await page.locator('.strip').count(), 50)

  await choose(page, 'group-37')
  await page.waitForFunction(() => document.querySelectorAll('.strip').length === 1)
  await page.waitForFunction(() => document.querySelectorAll('.row').length === 20)
  const feeds = seen.asked.filter((request) => request.operationName === 'Feed')
  assert.deepEqual(feeds.map(({ variables }) => variables.groups.length), [50, 1])
  assert.deepEqual(seen.faults, [])
})
