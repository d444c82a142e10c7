import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { createInterface } from 'node:readline'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const MAIN = path.resolve(import.meta.dirname, '../../node/frontend/main.ts')

/** Everything of the process that needs no build: pages themselves are tested in a browser. */
describe('the admin UI as a process', () => {
  let taken: Server
  beforeAll(async () => {
    taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => void taken.close())

  const environment = {
    PATH: process.env.PATH!,
    PORT: '0',
    BIND_HOST: '127.0.0.1',
    GRAPHQL_URL: 'http://127.0.0.1:9/graphql',
    OPEN_PAYMENTS_URL: 'https://node.invalid',
    AUTH_ENABLED: 'false',
    SESSION_SECRET: 'a secret of thirty-two characters'
  }

  function run(variables: Record<string, string | undefined>, ...args: string[]) {
    const env = Object.fromEntries(
      Object.entries({ ...environment, ...variables }).filter(([, value]) => value !== undefined)
    ) as Record<string, string>
    const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let errors = ''
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    createInterface({ input: child.stdout }).on('line', (line) => (output += `${line}\n`))
    return new Promise<{ code: number | null; errors: string; output: string }>((resolve) =>
      child.once('close', (code) => resolve({ code, errors, output }))
    )
  }

  it('names every variable that is missing or wrong, one per line', async () => {
    const { code, errors } = await run({
      SESSION_SECRET: 'short',
      GRAPHQL_URL: undefined,
      SESSION_LIFETIME_SECONDS: '5'
    })
    expect(code).toBe(2)
    const lines = errors.trim().split('\n')
    expect(lines.map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['GRAPHQL_URL', 'SESSION_LIFETIME_SECONDS'])
    )
    expect((await run({ SESSION_SECRET: 'short' })).errors).toMatch(/SESSION_SECRET .*at least 32 characters/)
  })

  it('asks for what the login provider needs', async () => {
    const { code, errors } = await run({ AUTH_ENABLED: 'true', AUTH_PROVIDER: 'oidc' })
    expect(code).toBe(2)
    for (const name of ['OIDC_ISSUER_URL', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'FRONTEND_URL']) {
      expect(errors).toContain(name)
    }
    expect((await run({ AUTH_ENABLED: 'true' })).errors).toContain('KRATOS_CONTAINER_PUBLIC_URL')
  })

  it('checks its configuration without starting', async () => {
    expect(await run({}, '--check')).toEqual({
      code: 0,
      errors: '',
      output: 'the configuration is well\n'
    })
    expect((await run({ SESSION_SECRET: '' }, '--check')).code).toBe(2)
  })

  it('refuses options that there are not', async () => {
    const { code, errors } = await run({}, '--fast')
    expect(code).toBe(2)
    expect(errors).toContain('--check')
  })

  it('that cannot start says in one line what to do', async () => {
    const { port } = taken.address() as AddressInfo
    const { code, errors } = await run({ PORT: String(port) })
    expect(code).toBe(1)
    // Whichever comes first here: there is no build, or there is one and the port is taken.
    expect(errors).toMatch(
      /^(the admin UI is not built: run `npm run frontend:build` first|PORT \d+ is in use: .*)\n$/
    )
  })
})
