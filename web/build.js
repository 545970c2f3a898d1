// Builds the pages and compresses them into dist/, which the program embeds. With --check, dist/ is compared instead of written:
// what the compressed files hold must be what the sources make.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
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

/** write compresses what differs from dist/ and removes what is no longer made. */
function write(files) {
  for (const old of filesIn('dist')) if (!files.includes(old.replace(/\.br$/, ''))) rmSync(join('dist', old))
  let total = 0
  for (const file of files) {
    const to = join('dist', `${file}.br`)
    if (!isCurrent(file)) {
      mkdirSync(dirname(to), { recursive: true })
      writeFileSync(to, compress(readFileSync(join('built', file))))
    }
    total += statSync(to).size
  }
  console.log(`${files.length} files, ${Math.ceil(total / 1024)} KiB compressed`)
}

function compress(body) {
  return brotliCompressSync(body, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: 22,
      [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
    },
  })
}

function isCurrent(file) {
  const packed = join('dist', `${file}.br`)
  return existsSync(packed) && brotliDecompressSync(readFileSync(packed)).equals(readFileSync(join('built', file)))
}

function check(files) {
  const gone = filesIn('dist').filter((file) => !files.includes(file.replace(/\.br$/, '')))
  const wrong = [...gone, ...files.filter((file) => !isCurrent(file))]
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
