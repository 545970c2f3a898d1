import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { accessible } from './graphiql/accessible.ts'

// Pages and their assets go to built/, which build.js compresses into dist/, what the program embeds.
export default defineConfig({
  base: './', // the server may be reached below a prefix
  plugins: [react(), accessible()],
  build: {
    outDir: 'built',
    emptyOutDir: true,
    license: { fileName: 'licenses.md' },
    target: 'es2022',
    assetsInlineLimit: 0, // the policy of the console permits no data: URLs
    chunkSizeWarningLimit: 4096,
    rolldownOptions: {
      input: ['graphiql.html', 'console.html'],
      onwarn(warning, report) {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') report(warning) // hints to a compiler that we do not run
      },
    },
  },
  worker: { format: 'es' },
})
