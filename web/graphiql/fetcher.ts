import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit'
import { Kind, parse, type DocumentNode, type ExecutionResult, type OperationDefinitionNode } from 'graphql'
import { base } from '../shared/settings'
import { credentialOf, variablesOf, type Connection } from './connection'

const endpoint = new URL(`${base}/graphql`, location.href)
const socket = new URL(endpoint)
socket.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
const send = createGraphiQLFetcher({ url: endpoint.href, subscriptionUrl: socket.href })

/**
 * newFetcher sends operations with the credential and the variables of the connection: subscriptions over a WebSocket, the rest over HTTP.
 * It reads the operation from the text, because GraphiQL updates its own name of the operation with a delay after an edit.
 */
export function newFetcher(connection: () => Connection): Fetcher {
  return async (params, options) => {
    const documentAST = parsed(params.query)
    const headers = withCredential(connection(), options?.headers ?? {})
    const operations = documentAST?.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION) ?? []
    const [operation] = operations
    if (!operation || operations.length !== 1 || params.operationName === 'IntrospectionQuery') return send(params, { ...options, headers })
    const declared = declaredBy(operation)
    const given = (params.variables as Record<string, unknown> | undefined) ?? {}
    let current = connection()
    if (current.groups.length === 0 && ['group', 'groups'].some((name) => declared.includes(name) && given[name] === undefined)) {
      const { data, errors } = await firstGroups(current.project, headers)
      if (!data?.project) return { errors }
      current = { ...current, groups: data.project.scalingGroups.nodes.map(({ groupId }) => groupId) }
    }
    const variables = variablesOf(current, declared, given)
    return send({ ...params, operationName: operation.name?.value, variables }, { ...options, documentAST, headers })
  }
}

interface FirstGroups {
  project: { scalingGroups: { nodes: { groupId: string }[] } } | null
}

/** firstGroups reads the groups that stand for those that the user has not entered. */
async function firstGroups(project: string, headers: Record<string, string>): Promise<ExecutionResult<FirstGroups>> {
  const query = 'query FirstGroups($project: ID) { project(projectId: $project) { scalingGroups(first: 3) { nodes { groupId } } } }'
  const body = JSON.stringify({ query, variables: { project: project || undefined } })
  const response = await fetch(endpoint, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body })
  return (await response.json()) as ExecutionResult<FirstGroups>
}

function withCredential(connection: Connection, given: Record<string, string>): Record<string, string> {
  const names = Object.entries(given).flatMap(([name, value]) => (value ? [name.toLowerCase()] : []))
  const own = Object.entries(credentialOf(connection)).filter(([name]) => !names.includes(name.toLowerCase()))
  return { ...Object.fromEntries(own), ...given }
}

const declaredBy = (operation: OperationDefinitionNode) => (operation.variableDefinitions ?? []).map((definition) => definition.variable.name.value)

function parsed(query: string): DocumentNode | undefined {
  try {
    return parse(query)
  } catch {
    return undefined // the server's response names the syntax error
  }
}
