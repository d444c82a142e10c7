import { describe, expect, it } from 'vitest'
import { withEnvironmentFile } from './environment-file.ts'
import { ConfigurationError } from './environment.ts'

const files: Record<string, string> = {
  '.env': 'ADMIN_PORT=3001\n# a comment\nSIGNATURE_SECRET="with # and spaces"\n',
  'other.env': 'export ADMIN_PORT=4001\nEMPTY=\n'
}

async function readTextFile(path: string): Promise<string> {
  const text = files[path]
  if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
  return text
}

describe('ENV_FILE', () => {
  it('is .env where it is not set', async () => {
    expect(await withEnvironmentFile({ HOME: '/' }, readTextFile)).toEqual({
      HOME: '/',
      ADMIN_PORT: '3001',
      SIGNATURE_SECRET: 'with # and spaces'
    })
  })

  it('names a file, and what the environment itself holds beats it', async () => {
    expect(await withEnvironmentFile({ ENV_FILE: 'other.env', ADMIN_PORT: '5001' }, readTextFile)).toEqual({
      ENV_FILE: 'other.env',
      ADMIN_PORT: '5001',
      EMPTY: ''
    })
  })

  it('must be there where it is named; .env need not be', async () => {
    await expect(withEnvironmentFile({ ENV_FILE: 'none.env' }, readTextFile)).rejects.toThrow(
      new ConfigurationError('ENV_FILE names "none.env": the file cannot be read (no such file: none.env)')
    )
    const missing = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' }))
    expect(await withEnvironmentFile({ HOME: '/' }, missing)).toEqual({ HOME: '/' })
    const forbidden = () => Promise.reject(Object.assign(new Error('denied'), { code: 'EACCES' }))
    await expect(withEnvironmentFile({}, forbidden)).rejects.toThrow(
      'ENV_FILE names ".env": the file cannot be read (denied)'
    )
  })
})
