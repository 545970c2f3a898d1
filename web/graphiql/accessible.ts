import type { Plugin } from 'vite'

// What GraphiQL 5.4 gets wrong for keyboards, screen readers and weak eyes, set right as it is built.
const corrections = [
  // A tab that holds two buttons is no tab, so they become a list of buttons.
  { file: 'components/tabs/index.js', from: '"aria-selected": isActive,', to: '' },
  { file: 'components/tabs/index.js', from: 'role: "tab",', to: '"data-active": isActive,' },
  { file: 'components/tabs/index.js', from: 'role: "tablist",', to: '' },
  // Numbers on a grey ground, line numbers and comments on a dark one were too faint.
  { file: 'react/dist/constants.js', from: 'foreground: "#6c69ce"\n\t\t}', to: 'foreground: "#5a57c4"\n\t\t}, { token: "number", foreground: "#066b45" }' },
  { file: 'react/dist/constants.js', from: 'foreground: "#908aff"\n\t\t}', to: 'foreground: "#9c97ff"\n\t\t}, { token: "comment", foreground: "#86b46f" }' },
  { file: 'react/dist/constants.js', from: 'colors: getBaseColors("dark"),', to: 'colors: { ...getBaseColors("dark"), "editorLineNumber.foreground": "#9aa3b2" },' },
  // Fields of the explorer without a label.
  { file: 'graphiql-explorer/dist/Explorer.js', from: "onChange: this.props.setArgValue,", to: "'aria-label': arg.name, onChange: this.props.setArgValue," },
  { file: 'graphiql-explorer/dist/Explorer.js', from: "React.createElement('input', {\n          style: {\n            border", to: "React.createElement('input', {\n          'aria-label': arg.name, style: {\n            border" },
  { file: 'graphiql-explorer/dist/Explorer.js', from: "autoComplete: 'false',", to: "'aria-label': 'Name of the operation', autoComplete: 'off'," },
  { file: 'graphiql-explorer/dist/Explorer.js', from: 'value: this.state.newOperationType,', to: "'aria-label': 'Kind of operation', value: this.state.newOperationType," },
]

/** accessible applies the corrections, and fails the build where one no longer fits. */
export function accessible(): Plugin {
  const open = new Set(corrections)
  return {
    name: 'accessible',
    transform(code, id) {
      for (const correction of corrections) {
        if (!id.includes('/@graphiql/') || !id.endsWith(correction.file) || !code.includes(correction.from)) continue
        code = code.replaceAll(correction.from, correction.to)
        open.delete(correction)
      }
      return { code, map: null }
    },
    buildEnd() {
      if (open.size > 0) this.error(`no longer fits: ${[...open].map((c) => `${c.file}: ${c.from}`).join('; ')}`)
    },
  }
}
