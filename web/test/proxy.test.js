// The pages behind a real nginx with TLS and a prefix, in the configuration that docs/proxies.md recommends.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort, open, start, watch } from './browser.js'

const missing = ['nginx', 'openssl'].filter((tool) => spawnSync(tool, ['-v']).error)
const options = missing.length > 0 ? { skip: `not installed: ${missing}` } : {}

const group = 'f6fadfa7-e5c1-4b62-9362-da5cc13da58a'
let program
let proxy
before(async () => {
  if (options.skip) return
  program = await start()
  proxy = await startNginx(program.base)
})
after(async () => {
  await proxy?.stop()
  await program?.stop()
})

/** documented returns the server block of docs/proxies.md with other addresses and files. */
function documented(replacements) {
  let [, text] = readFileSync(join(import.meta.dirname, '../../docs/proxies.md'), 'utf8').match(/```nginx\n(.*?)```/s)
  for (const [from, to] of Object.entries(replacements)) {
    assert.ok(text.includes(from), `docs/proxies.md has no ${from}`)
    text = text.replaceAll(from, to)
  }
  return text
}

/** startNginx starts nginx on a free port, and resolves when it responds. */
async function startNginx(upstream) {
  const dir = mkdtempSync(join(tmpdir(), 'nginx-'))
  chmodSync(dir, 0o755)
  const port = await freePort()
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', `${dir}/key.pem`, '-out', `${dir}/cert.pem`], { stdio: 'ignore' })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${dir}/${kind};`).join(' ')
  const server = documented({
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
    '/etc/nginx/tls/console.pem': `${dir}/cert.pem`,
    '/etc/nginx/tls/console.key': `${dir}/key.pem`,
    'http://127.0.0.1:8080/': `${upstream}/`,
  })
  writeFileSync(`${dir}/nginx.conf`, `daemon off; pid ${dir}/pid; worker_processes 1; events {} http { access_log off; ${temporary} ${server} }`)
  const child = spawn('nginx', ['-p', dir, '-e', `${dir}/errors`, '-c', `${dir}/nginx.conf`], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const base = `https://127.0.0.1:${port}/scalegraph`
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
    rmSync(dir, { recursive: true, force: true })
  }
  for (let i = 0; i < 300; i++) {
    if (child.exitCode !== null) throw new Error(readFileSync(`${dir}/errors`, 'utf8'))
    if (await responds(`${base}/healthz`)) return { base, stop }
    await pause(100)
  }
  await stop()
  throw new Error('nginx does not respond')
}

const responds = (url) =>
  new Promise((resolve) => {
    get(url, { rejectUnauthorized: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    }).once('error', () => resolve(false))
  })

async function newPage(t) {
  const browser = await open({ ignoreHTTPSErrors: true })
  t.after(browser.close)
  const page = await browser.context.newPage()
  page.setDefaultTimeout(30_000)
  return { page, seen: watch(page, proxy.base) }
}

test('behind nginx with a prefix and TLS the console loads and pages, and changes arrive as server-sent events', options, async (t) => {
  const { page, seen } = await newPage(t)
  const events = page.waitForResponse((response) => response.request().postDataJSON()?.operationName === 'Live')
  await page.goto(`${proxy.base}/console/?group=${group}&period=1h`)
  await page.locator('.row').first().waitFor()
  assert.match((await events).headers()['content-type'], /^text\/event-stream/)
  const known = await page.locator('.row').evaluateAll((rows) => rows.map((row) => row.dataset.id))
  await page.waitForFunction((known) => !known.includes(document.querySelector('.row').dataset.id), known, { timeout: 60_000 })
  await page.locator('.live[data-state=live]').waitFor()
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
  await page.waitForFunction((count) => document.querySelectorAll('.row').length > count + 20, known.length)
  assert.deepEqual(seen.faults, [])
})

test('behind nginx with a prefix and TLS GraphiQL runs a query, and a subscription over a WebSocket', options, async (t) => {
  const { page, seen } = await newPage(t)
  await page.goto(`${proxy.base}/graphql`)
  await page.locator('.graphiql-query-editor .view-line').first().waitFor()
  assert.equal(page.url(), `${proxy.base}/graphiql`)
  const run = async (tab, expected, timeout) => {
    await page.locator('.graphiql-tab-button', { hasText: tab }).click()
    await page.locator('.graphiql-execute-button').click()
    await page.locator('.result-window').getByText(expected).first().waitFor({ timeout })
  }
  await run('OneGroup', '"totalCount"', 30_000)
  const socket = page.waitForEvent('websocket')
  await run('Live', '"scalingActivityChanged"', 60_000)
  assert.equal((await socket).url(), `${proxy.base.replace('https:', 'wss:')}/graphql`)
  await page.locator('.graphiql-execute-button').click() // stops it
  assert.deepEqual(seen.faults, [])
})
