import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startTestAuth } from '../auth/testing.ts'
import type { AuthHarness } from '../auth/testing.ts'
import { createGrantActors, INCOMING } from '../auth/testing-grants.ts'

const run = promisify(execFile)
const PACKAGE = import.meta.dirname

/** A resource server of somebody else: asks about the token of its arguments, prints what it hears. */
const RESOURCE_SERVER = `
import { createClient, getTokenIntrospectionOpenAPI, isActiveTokenInfo, isClientWalletAddress } from '@rafiki-lab/token-introspection'
const [url, access_token] = process.argv.slice(2)
const client = createClient({ url, requestTimeoutMs: 5_000 })
const access = [{ type: 'incoming-payment', actions: ['create'] }]
const told = await client.introspect({ access_token, access }).then(
  (info) => ({ info, active: isActiveTokenInfo(info), known: isActiveTokenInfo(info) && isClientWalletAddress(info.client) }),
  (error) => ({ error: error.message })
)
console.log(JSON.stringify({ node: process.version, document: (await getTokenIntrospectionOpenAPI()).openapi, ...told }))
`

/** A Node.js 20 on PATH: the oldest that the package is for, which runs no TypeScript. */
async function findNode20(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, 'node')
    const version = await access(file).then(
      () => run(file, ['--version']).then(({ stdout }) => stdout),
      () => undefined
    )
    if (version?.startsWith('v20.')) return file
  }
  return undefined
}

const node20 = await findNode20()
if (node20 === undefined)
  console.log('The token-introspection package is not tried: there is no Node.js 20 on PATH')

describe.skipIf(node20 === undefined)(
  'the token-introspection package, installed into an empty folder',
  () => {
    let folder: string
    let harness: AuthHarness
    let url: string

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'package-'))
      const app = join(folder, 'app')
      await mkdir(app)
      // Nothing of this machine helps: no cache, no configuration, no network.
      const npm = (cwd: string, ...args: string[]) =>
        run('npm', [...args, '--offline', '--no-audit', '--no-fund', '--cache', join(folder, 'cache')], {
          cwd
        })
      await npm(PACKAGE, 'pack', '--pack-destination', folder)
      const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
      await npm(app, 'install', '--prefix', app, join(folder, tarball!))
      await writeFile(join(app, 'server.mjs'), RESOURCE_SERVER)
      harness = await startTestAuth(inject('postgresUrl'))
      url = harness.url('introspection', '/')
    })
    afterAll(async () => {
      await harness?.close()
      await rm(folder, { recursive: true })
    })

    async function ask(...args: string[]): Promise<Record<string, unknown>> {
      const { stdout } = await run(node20!, [join(folder, 'app', 'server.mjs'), ...args])
      return JSON.parse(stdout) as Record<string, unknown>
    }

    it('holds JavaScript, types and a README, and nothing else', async () => {
      const installed = join(folder, 'app', 'node_modules')
      expect((await readdir(installed)).filter((name) => !name.startsWith('.'))).toEqual(['@rafiki-lab'])
      const root = join(installed, '@rafiki-lab', 'token-introspection')
      expect((await readdir(root)).sort()).toEqual(['README.md', 'dist', 'package.json'])
      const files = await readdir(join(root, 'dist'))
      expect(files).toContain('index.d.ts')
      expect(files.filter((name) => !/\.(js|d\.ts)$/.test(name) || name.includes('test'))).toEqual([])
    })

    it('asks a real authorization server from Node.js 20', async () => {
      const granted = await createGrantActors(harness).ask([INCOMING])
      const { value } = granted.json<{ access_token: { value: string } }>().access_token
      expect(await ask(url, value)).toEqual({
        node: expect.stringMatching(/^v20\./) as string,
        document: '3.1.0',
        info: {
          active: true,
          grant: expect.any(String) as string,
          access: [INCOMING],
          client: { walletAddress: harness.client.walletAddress }
        },
        active: true,
        known: true
      })
      expect(await ask(url, 'UNKNOWN')).toMatchObject({ info: { active: false }, active: false })
    })

    it('fails where nobody answers, or something else does', async () => {
      const server = createServer((request, response) => {
        if (request.url === '/elsewhere') response.writeHead(302, { location: url }).end()
        else if (request.url === '/long') response.end('x'.repeat(300_000))
        else response.end('{"active":true}')
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const failure = (reason: string) => ({
        error: expect.stringMatching(`^Error when making introspection request: ${reason}`) as string
      })
      const [redirected, long, invalid, refused] = await Promise.all([
        ask(`${other}/elsewhere`, 'A'),
        ask(`${other}/long`, 'A'),
        ask(other, 'A'),
        ask('http://127.0.0.1:1/', 'A')
      ])
      expect(redirected).toMatchObject(failure('unexpected redirect'))
      expect(long).toMatchObject(failure('the answer is longer than 262144 bytes'))
      expect(invalid).toMatchObject(failure('the answer is not valid: .*answer.grant is missing'))
      expect(refused).toMatchObject(failure('.+'))
      await new Promise((resolve) => server.close(resolve))
    })
  }
)
