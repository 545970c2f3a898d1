import { useEffect, useRef, useState } from 'react'
import { client } from './client'
import { reasonsQuery, type Connection } from './documents'

const batch = 100 // ids in one request, the limit of the API

/** useReasons returns the first failure reason of each failed row by id. It requests the reasons of all new failed rows together, once. */
export function useReasons(edges: Connection['edges']): Map<string, string> {
  const [reasons, setReasons] = useState<Map<string, string>>(() => new Map())
  const requested = useRef(new Set<string>())
  useEffect(() => {
    const failed = edges.filter(({ node }) => node.outcome === 'FAILED' || node.outcome === 'PARTIALLY_FAILED')
    const ids = failed.map(({ node }) => node.id).filter((id) => !requested.current.has(id))
    for (const id of ids) requested.current.add(id)
    for (let i = 0; i < ids.length; i += batch) {
      void read(ids.slice(i, i + batch)).then((found) => setReasons((known) => new Map([...known, ...found])))
    }
  }, [edges])
  return reasons
}

async function read(ids: string[]): Promise<[string, string][]> {
  const result = await client.query(reasonsQuery, { ids }).toPromise()
  return (result.data?.nodes ?? []).flatMap((node): [string, string][] => {
    const reason = node && 'failureReasons' in node ? node.failureReasons?.[0] : undefined
    return node && reason ? [[node.id, reason]] : []
  })
}
