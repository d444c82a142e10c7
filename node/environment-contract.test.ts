import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AUTH_VARIABLES, loadAuthConfig } from './auth/config.ts'
import { BACKEND_VARIABLES, loadBackendConfig } from './backend/config.ts'
import { ConfigurationError, findSimilarNames } from './runtime/index.ts'

type Default = string | number | boolean | null

interface ServiceVariables {
  contract: Record<string, { required: true } | { default: Default }>
  extensions: Record<string, { default: Default; why: string }>
}

const fixture = JSON.parse(readFileSync('fixtures/contract/environment.json', 'utf8')) as {
  backend: ServiceVariables
  auth: ServiceVariables
}

const UUID = '01900000-0000-7000-8000-000000000001'
const URL_VALUE = 'https://node.example'

interface Service {
  name: string
  data: ServiceVariables
  names: readonly string[]
  load(environment: Record<string, string>): object
  /** The least that it starts with. */
  needed: Record<string, string>
}

const services: Service[] = [
  {
    name: 'backend',
    data: fixture.backend,
    names: BACKEND_VARIABLES,
    load: loadBackendConfig,
    needed: {
      INSTANCE_NAME: 'acacia',
      OPEN_PAYMENTS_URL: URL_VALUE,
      ILP_ADDRESS: 'test.acacia',
      ILP_CONNECTOR_URL: URL_VALUE,
      STREAM_SECRET: Buffer.alloc(32, 1).toString('base64'),
      KEY_ID: 'key',
      OPERATOR_TENANT_ID: UUID,
      ADMIN_API_SECRET: 'secret',
      AUTH_SERVER_GRANT_URL: URL_VALUE,
      AUTH_SERVER_INTROSPECTION_URL: URL_VALUE,
      AUTH_SERVICE_API_URL: URL_VALUE,
      WEBHOOK_URL: URL_VALUE
    }
  },
  {
    name: 'auth',
    data: fixture.auth,
    names: AUTH_VARIABLES,
    load: loadAuthConfig,
    needed: {
      IDENTITY_SERVER_URL: URL_VALUE,
      IDENTITY_SERVER_SECRET: 'idp',
      AUTH_SERVER_URL: URL_VALUE,
      ADMIN_API_SECRET: 'secret',
      OPERATOR_TENANT_ID: UUID,
      COOKIE_KEY: 'cookie'
    }
  }
]

/** A value of the configuration as it would stand in the environment; `CACHE` is where the cache is. */
function asText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  return Array.isArray(value) ? value.join(',') : String(value as string | number | bigint | boolean)
}

describe.each(services)('environment of the $name', ({ name, data, names, load, needed }) => {
  const { contract, extensions } = data
  const required = Object.keys(contract).filter((name) => 'required' in contract[name]!)

  it('has every variable of the contract; what it has beyond them is listed as an extension', () => {
    expect([...names].sort()).toEqual([...Object.keys(contract), ...Object.keys(extensions)].sort())
    expect(Object.keys(contract).filter((name) => name in extensions)).toEqual([])
    for (const { why } of Object.values(extensions)) expect(why).not.toBe('')
  })

  it('has a row for each in docs/operations.md, with its default', () => {
    const text = readFileSync('docs/operations.md', 'utf8')
    const [, section] = text.split(`## Variables of ${name === 'backend' ? 'the backend' : 'auth'}`)
    const rows = section!
      .split('\n## ')[0]!
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    const cells = new Map(
      rows
        .map((row) => row.split('|').map((cell) => cell.trim()) as [string, string, string])
        .map(([, variable, value]) => [variable, value])
    )
    const shown = (variable: { required: true } | { default: Default }) => {
      if ('required' in variable) return 'required'
      if (variable.default === null) return '–'
      return variable.default === '' ? 'empty' : `\`${variable.default}\``
    }
    expect(Object.fromEntries(cells)).toEqual(
      Object.fromEntries(
        Object.entries({ ...contract, ...extensions }).map(([variable, value]) => [
          `\`${variable}\``,
          shown(value)
        ])
      )
    )
  })

  it('starts with the required variables alone, and everything else has the default of the contract', () => {
    const config = load(needed) as Record<string, unknown>
    for (const [name, variable] of Object.entries({ ...contract, ...extensions })) {
      if (!('default' in variable) || name === 'CACHE') continue
      expect([name, asText(config[name])]).toEqual([name, asText(variable.default)])
    }
    expect(config.CACHE).toBe('redis://127.0.0.1:6379')
  })

  it.each(required)('does not start without %s, nor where it is empty', (missing) => {
    const { [missing]: _, ...rest } = needed
    for (const environment of [rest, { ...rest, [missing]: '' }]) {
      expect(() => load(environment)).toThrow(ConfigurationError)
      expect(() => load(environment)).toThrow(new RegExp(`^${missing} is not set`))
    }
  })

  it('has required variables that are the ones of the contract', () => {
    expect(Object.keys(needed).sort()).toEqual(required.sort())
  })

  it('takes an empty variable as one that is not set', () => {
    const optional = [...Object.keys(contract), ...Object.keys(extensions)].filter(
      (name) => !required.includes(name)
    )
    const empty = Object.fromEntries(optional.map((name) => [name, '']))
    expect(load({ ...needed, ...empty })).toEqual(load(needed))
  })

  it('has flags that are true only for the exact text true', () => {
    const all = { ...contract, ...extensions }
    const flags = Object.keys(all).filter((name) => {
      const variable = all[name]!
      return 'default' in variable && typeof variable.default === 'boolean'
    })
    expect(flags.length).toBeGreaterThan(4)
    for (const name of flags) {
      for (const [text, value] of [
        ['true', true],
        ['false', false],
        ['TRUE', false],
        ['True', false],
        ['1', false],
        ['yes', false],
        [' true', false]
      ] as const) {
        expect([name, text, (load({ ...needed, [name]: text }) as Record<string, unknown>)[name]]).toEqual([
          name,
          text,
          value
        ])
      }
    }
  })

  it('has URLs that are refused where they lead nowhere that can be called', () => {
    const urls = Object.keys({ ...contract, ...extensions }).filter((name) => /_URL$/.test(name))
    expect(urls.length).toBeGreaterThan(3)
    for (const name of urls) {
      for (const text of ['nope', 'ftp://node.example', '/path', 'node.example:80']) {
        expect(() => load({ ...needed, [name]: text })).toThrow(
          new RegExp(`^${name} holds "${text}": .* URL`)
        )
      }
    }
    for (const name of [
      'OPEN_PAYMENTS_URL',
      'WALLET_ADDRESS_URL',
      'AUTH_SERVER_GRANT_URL',
      'AUTH_SERVER_URL'
    ]) {
      if (!urls.includes(name)) continue
      for (const end of ['?a=b', '#a']) {
        expect(() => load({ ...needed, [name]: `https://a.example/b${end}` })).toThrow(
          `${name} holds "https://a.example/b${end}": a URL without query`
        )
      }
    }
  })

  it('has whole numbers that are refused where they are none', () => {
    const all = { ...contract, ...extensions }
    const numbers = Object.keys(all).filter((name) => {
      const variable = all[name]!
      return 'default' in variable && typeof variable.default === 'number'
    })
    expect(numbers.length).toBeGreaterThan(9)
    for (const name of numbers) {
      for (const text of ['x', '1.5', '-1', '1e3', '5 s']) {
        expect(() => load({ ...needed, [name]: text })).toThrow(new RegExp(`^${name} holds `))
      }
    }
  })
})

describe('variables that are probably slips', () => {
  it('are none of those of the other service', () => {
    const [backend, auth] = services as [Service, Service]
    expect(findSimilarNames(auth.names, backend.names)).toEqual([])
    expect(findSimilarNames(backend.names, auth.names)).toEqual([])
  })
})

describe('NODE_ENV', () => {
  const [backend, auth] = services as [Service, Service]

  it('test: no worker runs, and each worker of Jest has a database of its own', () => {
    const environment = {
      NODE_ENV: 'test',
      JEST_WORKER_ID: '3',
      DATABASE_URL: 'postgresql://db/backend',
      AUTH_DATABASE_URL: 'postgresql://db/auth',
      OUTGOING_PAYMENT_WORKERS: '4'
    }
    expect(backend.load({ ...backend.needed, ...environment })).toMatchObject({
      DATABASE_URL: 'postgresql://db/backend_3',
      OUTGOING_PAYMENT_WORKERS: 0,
      INCOMING_PAYMENT_WORKERS: 0,
      WALLET_ADDRESS_WORKERS: 0,
      WEBHOOK_WORKERS: 0
    })
    expect(auth.load({ ...auth.needed, ...environment })).toMatchObject({
      AUTH_DATABASE_URL: 'postgresql://db/auth_3',
      DATABASE_CLEANUP_WORKERS: 0
    })
    const { JEST_WORKER_ID: _, ...outside } = environment
    expect(backend.load({ ...backend.needed, ...outside })).toMatchObject({
      DATABASE_URL: 'postgresql://db/backend'
    })
  })

  it.each([
    { NODE_ENV: 'development', scheme: 'http', strict: false },
    { NODE_ENV: 'test', scheme: 'https', strict: false },
    { NODE_ENV: 'autopeer', scheme: 'https', strict: false },
    { NODE_ENV: 'production', scheme: 'https', strict: true }
  ])('$NODE_ENV: Open Payments is $scheme; strict: $strict', ({ NODE_ENV, scheme, strict }) => {
    for (const { load, needed } of services) {
      expect(load({ ...needed, NODE_ENV })).toMatchObject({
        OPEN_PAYMENTS_SCHEME: scheme,
        ALLOW_PRIVATE_ADDRESSES: !strict,
        VALIDATE_RESPONSES: !strict
      })
    }
  })
})
