import 'graphiql/style.css'
import '@graphiql/plugin-explorer/style.css'
import './graphiql.css'
import { setUpWorkers } from './workers'
import { explorerPlugin } from '@graphiql/plugin-explorer'
import { HISTORY_PLUGIN } from '@graphiql/plugin-history'
import { GraphiQL } from 'graphiql'
import { useCallback, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { Bar } from './Bar'
import { readConnection, storage, writeConnection, type Connection } from './connection'
import { examples } from './examples'
import { newFetcher } from './fetcher'

const plugins = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })]
const tabs = examples.map((query) => ({ query }))

let current = readConnection()
const fetcher = newFetcher(() => current)

function Page() {
  const [connection, setConnection] = useState(current)
  const change = useCallback((next: Connection) => {
    current = next
    writeConnection(next)
    setConnection(next)
  }, [])
  return (
    <>
      <Bar connection={connection} change={change} />
      <GraphiQL
        fetcher={fetcher}
        plugins={plugins}
        storage={storage}
        defaultTabs={tabs}
        defaultQuery={tabs[0]!.query}
        defaultEditorToolsVisibility="variables"
        defaultTheme={null}
      >
        <GraphiQL.Logo>{' '}</GraphiQL.Logo>
      </GraphiQL>
    </>
  )
}

setUpWorkers()
createRoot(document.getElementById('root')!).render(<Page />)
