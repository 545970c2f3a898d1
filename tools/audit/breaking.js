// Compares the schema with that of the last release. What would break a client is an error.
import { readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const read = (name) => buildSchema(readFileSync(new URL(name, import.meta.url), 'utf8'));
const changes = await diff(read('released.graphqls'), read('../../graph/schema.graphqls'));
const breaking = changes.filter((change) => change.criticality.level === CriticalityLevel.Breaking);
for (const { message } of breaking) {
  console.error(`breaking: ${message}`);
}
console.log(`schema: ${changes.length} changes since the last release, ${breaking.length} of them breaking`);
process.exit(breaking.length === 0 ? 0 : 1);
