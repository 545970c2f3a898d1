import 'graphiql/style.css'
import '@graphiql/plugin-explorer/style.css'
import './graphiql.css'
import { setUpWorkers } from './workers'
import { explorerPlugin } from '@graphiql/plugin-explorer'
import { HISTORY_PLUGIN } from '@graphiql/plugin-history'
import { GraphiQL } from 'graphiql'
import { createRoot } from 'react-dom/client'
import { readSettings } from '../shared/settings'
import { examples } from './examples'
import { fetcher } from './fetcher'

const settings = readSettings()
const headers = JSON.stringify({ 'X-Auth-Token': settings.token }, null, 2)

const tabs = examples(settings.groups.slice(0, 4)).map((query) => ({ query, headers }))
const plugins = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })]

setUpWorkers()
createRoot(document.getElementById('root')!).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    defaultTabs={tabs}
    defaultQuery={tabs[0]!.query}
    defaultHeaders={headers}
    defaultEditorToolsVisibility="headers"
    defaultTheme={null}
  >
    <GraphiQL.Logo>
      <a className="home" href="/console">
        scale<b>graph</b>
      </a>
    </GraphiQL.Logo>
  </GraphiQL>,
)
