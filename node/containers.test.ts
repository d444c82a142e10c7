import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { AUTH_VARIABLES, loadAuthConfig } from './auth/config.ts'
import { BACKEND_VARIABLES, loadBackendConfig } from './backend/config.ts'
import { FRONTEND_VARIABLES, loadFrontendConfig } from './frontend/config.ts'

// Dockerfile and compose.yaml cannot be run where no engine is: what they say is held against what is there.

const PROJECT = path.resolve(import.meta.dirname, '..')
const read = (name: string) => readFileSync(path.join(PROJECT, name), 'utf8')

const service = z.object({
  image: z.string().optional(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  stop_grace_period: z.string().optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.literal('service_healthy') })).default({}),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()), interval: z.string() })
})
const compose = z
  .strictObject({
    services: z.record(z.string(), service),
    secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
    volumes: z.record(z.string(), z.null())
  })
  .parse(parse(read('compose.yaml')))

/** What an operator writes into `.env`: the rest is in the file. */
const OPERATOR: Record<string, string> = {
  POSTGRES_PASSWORD: 'postgres',
  AUTH_SERVER_URL: 'https://auth.example',
  IDENTITY_SERVER_URL: 'https://idp.example',
  IDENTITY_SERVER_SECRET: 'identity',
  AUTH_ADMIN_API_SECRET: 'auth-admin',
  ADMIN_API_SECRET: 'admin',
  OPERATOR_TENANT_ID: '11111111-1111-4111-8111-111111111111',
  COOKIE_KEY: 'cookie',
  INSTANCE_NAME: 'acacia',
  OPEN_PAYMENTS_URL: 'https://acacia.example',
  ILP_ADDRESS: 'test.acacia',
  ILP_CONNECTOR_URL: 'https://ilp.acacia.example',
  STREAM_SECRET: Buffer.alloc(32, 7).toString('base64'),
  KEY_ID: 'key',
  WEBHOOK_URL: 'https://wallet.example/webhooks',
  SIGNATURE_SECRET: 'signature',
  SESSION_SECRET: 'a secret of thirty-two characters',
  FRONTEND_AUTH_ENABLED: 'true',
  OIDC_ISSUER_URL: 'https://login.example',
  OIDC_CLIENT_ID: 'admin-ui',
  OIDC_CLIENT_SECRET: 'client',
  FRONTEND_URL: 'https://ui.example'
}

/** `${NAME}`, `${NAME:?}` and `${NAME:-default}`, as compose fills them in. */
function filled(value: string, environment = OPERATOR): string {
  return value.replaceAll(/\$\{(\w+)(?::([?-])([^}]*))?\}/g, (_, name: string, kind, fallback: string) => {
    const set = environment[name]
    if (set !== undefined) return set
    if (kind === '-') return fallback
    throw new Error(`${name} is not set`)
  })
}

const environmentOf = (name: string) =>
  Object.fromEntries(
    Object.entries(compose.services[name]!.environment).map(([key, value]) => [key, filled(value)])
  )

describe('compose.yaml', () => {
  it.each([
    ['backend', BACKEND_VARIABLES, loadBackendConfig],
    ['auth', AUTH_VARIABLES, loadAuthConfig],
    ['frontend', FRONTEND_VARIABLES, loadFrontendConfig]
  ] as const)('sets variables of %s that are read, and all that it needs', (name, variables, load) => {
    const environment = environmentOf(name)
    const unread = Object.keys(environment).filter((each) => !variables.includes(each) && each !== 'NODE_ENV')
    expect(unread).toEqual([])
    expect(() => load(environment)).not.toThrow()
  })

  it('publishes the ports that the services listen on by default, on this machine alone', () => {
    const backend = loadBackendConfig(environmentOf('backend'))
    const auth = loadAuthConfig(environmentOf('auth'))
    const published = (name: string) => compose.services[name]!.ports
    const local = (port: number) => `127.0.0.1:${port}:${port}`
    expect(published('backend')).toEqual(
      [backend.ADMIN_PORT, backend.CONNECTOR_PORT, backend.OPEN_PAYMENTS_PORT].map(local)
    )
    expect(published('auth')).toEqual([auth.AUTH_PORT, auth.INTERACTION_PORT].map(local))
    expect(published('frontend')).toEqual([local(loadFrontendConfig(environmentOf('frontend')).PORT)])
  })

  it('leads the backend to the ports where auth listens', () => {
    const backend = loadBackendConfig(environmentOf('backend'))
    const auth = loadAuthConfig(environmentOf('auth'))
    expect(backend.AUTH_SERVER_INTROSPECTION_URL).toMatch(
      new RegExp(`^http://auth:${auth.INTROSPECTION_PORT}/?$`)
    )
    expect(backend.AUTH_SERVICE_API_URL).toMatch(new RegExp(`^http://auth:${auth.SERVICE_API_PORT}/?$`))
  })

  it('waits longer for a stop than a stop may take', () => {
    const graceMs = (name: string) =>
      Number(/^(\d+)s$/.exec(compose.services[name]!.stop_grace_period!)![1]) * 1_000
    expect(graceMs('backend')).toBeGreaterThan(loadBackendConfig(environmentOf('backend')).STOP_GRACE_MS)
    expect(graceMs('frontend')).toBeGreaterThan(loadFrontendConfig(environmentOf('frontend')).STOP_GRACE_MS)
    expect(graceMs('auth')).toBeGreaterThan(loadAuthConfig(environmentOf('auth')).STOP_GRACE_MS)
  })

  it('names files, services, secrets and volumes that are there', () => {
    for (const { build, volumes, secrets, depends_on, command } of Object.values(compose.services)) {
      if (build !== undefined) expect(existsSync(path.join(PROJECT, build, 'Dockerfile'))).toBe(true)
      for (const volume of volumes) {
        const [source] = volume.split(':')
        if (source!.startsWith('.')) expect(existsSync(path.join(PROJECT, source!)), source).toBe(true)
        else expect(Object.keys(compose.volumes)).toContain(source)
      }
      for (const secret of secrets) expect(Object.keys(compose.secrets)).toContain(secret)
      for (const other of Object.keys(depends_on)) expect(Object.keys(compose.services)).toContain(other)
      if (command !== undefined) expect(existsSync(path.join(PROJECT, command.at(-1)!))).toBe(true)
    }
    const { PRIVATE_KEY_FILE } = environmentOf('backend')
    expect(PRIVATE_KEY_FILE).toBe(`/run/secrets/${compose.services.backend!.secrets[0]}`)
  })

  it('makes the databases that its services open', () => {
    const made = [...read('docker/databases.sql').matchAll(/CREATE DATABASE (\w+)/gi)].map(([, name]) => name)
    const opened = [environmentOf('backend').DATABASE_URL, environmentOf('auth').AUTH_DATABASE_URL]
    expect(opened.map((url) => new URL(url!).pathname.slice(1)).sort()).toEqual(made.sort())
  })
})

describe('Dockerfile', () => {
  const lines = read('Dockerfile')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))

  it('copies what is there and starts what it copied', () => {
    const copied = lines
      // What comes from the other stage was built there.
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1))
    for (const source of copied) expect(existsSync(path.join(PROJECT, source)), source).toBe(true)
    const command = JSON.parse(lines.find((line) => line.startsWith('CMD '))!.slice(4)) as string[]
    const main = command.at(-1)!
    expect(existsSync(path.join(PROJECT, main))).toBe(true)
    expect(copied.some((source) => main.startsWith(`${source}/`))).toBe(true)
  })

  it('is of the Node release that the project runs on', () => {
    const { devDependencies, dependencies } = JSON.parse(read('package.json')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >
    const release = /(\d+)/.exec((dependencies.node ?? devDependencies.node)!)![1]
    expect(lines[0]).toMatch(new RegExp(`^FROM node:${release}-`))
  })
})
