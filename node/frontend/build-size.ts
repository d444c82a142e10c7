import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/*
 * Told after `npm run frontend:build`: what browsers load, and what the server runs.
 */

const BUILD = fileURLToPath(new URL('./build/', import.meta.url))

function sizeOf(directory: string, isWanted: (name: string) => boolean): string {
  const files = readdirSync(path.join(BUILD, directory), { recursive: true, encoding: 'utf8' }).filter(
    isWanted
  )
  let bytes = 0
  let zipped = 0
  for (const file of files) {
    const content = readFileSync(path.join(BUILD, directory, file))
    bytes += content.length
    zipped += gzipSync(content).length
  }
  const kilobytes = (count: number) => `${Math.round(count / 1_000)} kB`
  return `${kilobytes(bytes)} in ${files.length} files (${kilobytes(zipped)} zipped)`
}

process.stdout.write(`scripts for browsers, all pages  ${sizeOf('client', (name) => name.endsWith('.js'))}
styles                           ${sizeOf('client', (name) => name.endsWith('.css'))}
server                           ${sizeOf('server', (name) => name.endsWith('.js'))}
`)
