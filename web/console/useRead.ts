import type { AnyVariables, DocumentInput } from '@urql/core'
import { useEffect, useRef, useState } from 'react'
import { client } from './client'
import { query, type Failure } from './retry'
import { sleep } from './wake'

type Report = (failure: Failure | undefined) => void

export interface Reading<T> {
  /** What was read last; undefined until then. It remains while something else is read. */
  data: T | undefined
  failure: Failure | undefined
}

/**
 * useRead reads when it is first used, whenever `key` changes, and, if `every` is set, so many milliseconds after each success. `read` returns
 * undefined only if the signal is aborted.
 */
export function useRead<T>(key: string, read: (signal: AbortSignal, report: Report) => Promise<T | undefined>, every?: number): Reading<T> {
  const [data, setData] = useState<T>()
  const [failure, setFailure] = useState<Failure>()
  const latest = useRef(read)
  useEffect(() => {
    latest.current = read
  })
  useEffect(() => {
    const abort = new AbortController()
    const repeat = async () => {
      do {
        const found = await latest.current(abort.signal, setFailure)
        if (found === undefined || abort.signal.aborted) return
        setData(() => found)
        if (every) await sleep(every, abort.signal)
      } while (every)
    }
    repeat().catch((error: unknown) => {
      if (!abort.signal.aborted) throw error
    })
    return () => abort.abort()
  }, [key, every])
  return { data, failure }
}

/** useQuery is useRead for one query, which is read again whenever its variables change. */
export function useQuery<Data, Variables extends AnyVariables, T>(
  document: DocumentInput<Data, Variables>,
  variables: Variables,
  select: (data: Data) => T | null | undefined,
  every?: number,
): Reading<T> {
  return useRead(JSON.stringify(variables), (signal, report) => query(client, document, variables, select, signal, report), every)
}

interface Page<Node> {
  nodes: Node[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

/** readPages reads all pages of a list; undefined if `read` returns that for one of them. */
export async function readPages<Node>(read: (after: string | null) => Promise<Page<Node> | undefined>): Promise<Node[] | undefined> {
  const found: Node[] = []
  let after: string | null = null
  for (;;) {
    const page: Page<Node> | undefined = await read(after)
    if (!page) return undefined
    found.push(...page.nodes)
    if (!page.pageInfo.hasNextPage) return found
    after = page.pageInfo.endCursor
  }
}
