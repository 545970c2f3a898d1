import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit'
import { Kind, parse, type DocumentNode } from 'graphql'

const socket = new URL('/graphql', location.href)
socket.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
const send = createGraphiQLFetcher({ url: '/graphql', subscriptionUrl: socket.href })

/**
 * fetcher sends an operation: subscriptions over a WebSocket, the rest over HTTP. GraphiQL reads what the editor holds only when it has
 * been still for a moment, so somebody quick would run a tab under the name of the one before.
 */
export const fetcher: Fetcher = (params, options) => {
  const documentAST = parsed(params.query)
  const operations = documentAST?.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION) ?? []
  if (operations.length !== 1 || params.operationName === 'IntrospectionQuery') return send(params, options)
  return send({ ...params, operationName: operations[0]!.name?.value }, { ...options, documentAST })
}

function parsed(query: string): DocumentNode | undefined {
  try {
    return parse(query)
  } catch {
    return undefined // the server says what is wrong with it
  }
}
