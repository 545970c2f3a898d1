// What the browser tests share: the program, and Chromium that can reach nothing else.
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { chromium } from 'playwright-core'

const program = process.env.SCALEGRAPH_BINARY ?? join(import.meta.dirname, '../../scalegraph')

/** start runs the program on a free port; stop ends it. */
export async function start(environment = {}) {
  const child = spawn(program, { env: { ...process.env, SCALEGRAPH_LISTEN: '127.0.0.1:0', ...environment }, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  for await (const line of createInterface({ input: child.stdout })) {
    const said = line.match(/^scalegraph listens on (.+)$/)
    if (said) {
      child.stdout.resume()
      return { base: said[1], stop: () => (child.kill('SIGTERM'), ended) }
    }
  }
  throw new Error(`${program} ended with ${await ended} before it listened`)
}

/** freePort resolves to a port that nothing listens on, below those that systems give to connections, which could take it before a server does. */
export const freePort = () =>
  new Promise((resolve) => {
    const port = 10_000 + Math.floor(20_000 * Math.random())
    const server = createServer()
    server.on('error', () => resolve(freePort()))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)))
  })

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

let browser
after(() => browser?.close())

/** open returns a browser context of its own in Chromium, which all tests of a file share. Every outside name resolves to nothing. */
export async function open(options = {}) {
  browser ??= await chromium.launch({
    executablePath,
    headless: true,
    chromiumSandbox: false,
    args: [
      '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  })
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-GB', ...options })
  return { context, close: () => context.close() }
}

/** watch notes what must not happen on a page: errors, and requests to another origin. It also keeps what was asked of the API. */
export function watch(page, base) {
  const seen = { faults: [], asked: [] }
  page.on('console', (message) => {
    if (message.type() === 'error') seen.faults.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => seen.faults.push(`page: ${error.stack}`))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${base}/`) && !url.startsWith('data:') && !url.startsWith('blob:')) seen.faults.push(`request to ${url}`)
    if (url === `${base}/graphql` && request.method() === 'POST') seen.asked.push(request.postDataJSON())
  })
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== new URL(base).host) seen.faults.push(`socket to ${socket.url()}`)
  })
  return seen
}

/** visit opens the console as somebody who has never been there, and closes the browser when the test ends. */
export async function visit(t, base, search = '', options = {}) {
  const browser = await open(options)
  t.after(browser.close)
  const page = await browser.context.newPage()
  page.setDefaultTimeout(30_000)
  const seen = watch(page, base)
  await page.goto(`${base}/console${search}`)
  return { page, seen }
}

/** picture keeps what the page looks like, where PICTURES names a folder. */
export async function picture(page, name) {
  if (process.env.PICTURES) await page.screenshot({ path: join(process.env.PICTURES, `${name}.png`) })
}
