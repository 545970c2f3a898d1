import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** faultsOf returns what axe-core finds serious or critical on a page, one line each. */
export async function faultsOf(page) {
  await page.evaluate(readFileSync(axe, 'utf8')) // as the debugger, whom the page's policy does not bind
  const { violations } = await page.evaluate(() => globalThis.axe.run())
  return violations
    .filter((found) => found.impact === 'serious' || found.impact === 'critical')
    .flatMap((found) => found.nodes.map((node) => `${found.id} (${found.impact}): ${node.target.join(' ')}: ${node.failureSummary}`))
}
