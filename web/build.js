// Builds the pages and compresses them into dist/, which the program embeds. With --check, dist/ is compared instead of written:
// what the compressed files hold must be what the sources make.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { build } from 'vite'

process.chdir(import.meta.dirname)
await build({ logLevel: 'warn' })

const built = filesIn('built')
if (process.argv.includes('--check')) {
  check(built)
} else {
  write(built)
}
rmSync('built', { recursive: true })

function write(files) {
  rmSync('dist', { recursive: true, force: true })
  let total = 0
  for (const file of files) {
    const body = readFileSync(join('built', file))
    const small = brotliCompressSync(body, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_LGWIN]: 22,
        [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
      },
    })
    const to = join('dist', `${file}.br`)
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, small)
    total += small.length
  }
  console.log(`${files.length} files, ${Math.ceil(total / 1024)} KiB compressed`)
}

function check(files) {
  const kept = filesIn('dist')
  const wrong = kept.filter((file) => !files.includes(file.replace(/\.br$/, '')))
  for (const file of files) {
    const same = kept.includes(`${file}.br`) && brotliDecompressSync(readFileSync(join('dist', `${file}.br`))).equals(readFileSync(join('built', file)))
    if (!same) wrong.push(file)
  }
  if (wrong.length > 0) {
    console.error(`web/dist is not what the sources make (npm --prefix web run build):\n  ${wrong.join('\n  ')}`)
    process.exitCode = 1
    return
  }
  console.log(`web/dist is what the sources make: ${files.length} files`)
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
