import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const folder = join(import.meta.dirname, '../console')
const catalogue = (language) => JSON.parse(readFileSync(join(folder, 'texts', `${language}.json`), 'utf8'))
const english = catalogue('en')
const chinese = catalogue('zh-CN')
const source = [folder, join(folder, '../graphiql')]
  .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n')

const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort()

test('both catalogues have the same keys, no empty text, and the same placeholders', () => {
  assert.deepEqual(Object.keys(chinese).sort(), Object.keys(english).sort())
  for (const [key, text] of Object.entries(english)) {
    assert.ok(text.trim() && chinese[key].trim(), `${key} is empty`)
    assert.deepEqual(placeholders(chinese[key]), placeholders(text), key)
  }
})

test('every key that the sources name exists, and every key is used', () => {
  const named = [...source.matchAll(/\bt\('([^']+)'/g)].map((found) => found[1])
  assert.deepEqual(named.filter((key) => !(key in english)), [])
  const composed = [...source.matchAll(/`(\w+)\.\$\{/g)].map((found) => `${found[1]}.`)
  const unused = Object.keys(english).filter((key) => !named.includes(key) && !composed.some((prefix) => key.startsWith(prefix)))
  assert.deepEqual(unused, [])
})
