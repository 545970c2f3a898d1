import { initGraphQLTada } from 'gql.tada'
import type { introspection } from './schema'

/** graphql reads a document whose types come from the published schema. */
export const graphql = initGraphQLTada<{
  introspection: introspection
  disableMasking: true
  scalars: { DateTime: string; ID: string }
}>()

export type { ResultOf, VariablesOf } from 'gql.tada'
