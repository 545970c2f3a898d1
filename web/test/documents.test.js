// What documents show is held against the schema.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildSchema, isObjectType, parse, validate } from 'graphql'

const read = (file) => readFileSync(join(import.meta.dirname, '../..', file), 'utf8')
const schema = buildSchema(read('graph/schema.graphqls'))

test('docs/clients.md gives urql a key for each type without an id', () => {
  const [, keys] = read('docs/clients.md').match(/const keys = Object\.fromEntries\(\s*\[(.*?)\]/s)
  const named = [...keys.matchAll(/'(\w+)'/g)].map((found) => found[1])
  const roots = [schema.getQueryType(), schema.getSubscriptionType()]
  const without = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith('__') && !roots.includes(type) && !type.getFields().id)
  assert.deepEqual(named.sort(), without.map((type) => type.name).sort())
})

for (const file of ['docs/clients.md', 'docs/tutorial.md', 'docs/tutorial.zh-CN.md']) {
  test(`the operations in ${file} are valid`, () => {
    const shown = [...read(file).matchAll(/```graphql\n(.*?)```/gs)].map((found) => found[1])
    assert.ok(shown.length > 0, 'it shows none')
    for (const text of shown) assert.deepEqual(validate(schema, parse(text)), [], text)
  })
}
