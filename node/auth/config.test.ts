import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../runtime/index.ts'
import { loadAuthConfig } from './config.ts'

const required = {
  IDENTITY_SERVER_URL: 'https://idp.example/',
  IDENTITY_SERVER_SECRET: 'idp',
  AUTH_SERVER_URL: 'https://auth.example/',
  ADMIN_API_SECRET: 'admin',
  OPERATOR_TENANT_ID: 'ABCDEF00-1111-4111-8111-111111111111',
  COOKIE_KEY: 'cookie'
}

describe('loadAuthConfig', () => {
  it("has the contract's defaults", () => {
    expect(loadAuthConfig(required)).toMatchObject({
      NODE_ENV: 'development',
      LOG_LEVEL: 'info',
      TRUST_PROXY: false,
      ENABLE_MANUAL_MIGRATIONS: false,
      ADMIN_PORT: 3003,
      AUTH_PORT: 3006,
      INTROSPECTION_PORT: 3007,
      INTERACTION_PORT: 3009,
      SERVICE_API_PORT: 3011,
      AUTH_DATABASE_URL: 'postgresql://postgres:password@localhost:5432/auth_development',
      CACHE: 'redis://127.0.0.1:6379',
      AUTH_SERVER_URL: 'https://auth.example',
      OPERATOR_TENANT_ID: 'abcdef00-1111-4111-8111-111111111111',
      ADMIN_API_SIGNATURE_VERSION: 1,
      ADMIN_API_SIGNATURE_TTL_SECONDS: 30,
      WAIT_SECONDS: 5,
      INTERACTION_EXPIRY_SECONDS: 600,
      ACCESS_TOKEN_EXPIRY_SECONDS: 600,
      DATABASE_CLEANUP_WORKERS: 1,
      ACCESS_TOKEN_DELETION_DAYS: 30,
      INCOMING_PAYMENT_INTERACTION: false,
      QUOTE_INTERACTION: false,
      LIST_ALL_ACCESS_INTERACTION: true,
      OPEN_PAYMENTS_SCHEME: 'http',
      ALLOW_PRIVATE_ADDRESSES: true,
      VALIDATE_RESPONSES: true
    })
  })

  it('is stricter in production', () => {
    expect(loadAuthConfig({ ...required, NODE_ENV: 'production' })).toMatchObject({
      OPEN_PAYMENTS_SCHEME: 'https',
      ALLOW_PRIVATE_ADDRESSES: false
    })
  })

  it('ignores values of INTERACTION_COOKIE_SAME_SITE that are none', () => {
    const sameSite = (value: string) =>
      loadAuthConfig({ ...required, INTERACTION_COOKIE_SAME_SITE: value }).INTERACTION_COOKIE_SAME_SITE
    expect([sameSite('lax'), sameSite('none'), sameSite('strict')]).toEqual(['lax', 'none', undefined])
  })

  it('names every variable that is missing', () => {
    const load = () => loadAuthConfig({})
    expect(load).toThrow(ConfigurationError)
    for (const name of Object.keys(required)) expect(load).toThrow(name)
  })
})
