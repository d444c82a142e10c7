import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigurationError, parseEnvironment, variable } from './environment.ts'

const schema = z.object({
  NAME: variable.string('anonymous'),
  NEEDED: variable.required(),
  NOTE: variable.optional(),
  FLAG: variable.boolean(false),
  COUNT: variable.integer(5, 1),
  LIMIT: variable.optionalInteger(),
  PORT: variable.port(3000),
  ADDRESS: variable.url(),
  OTHER: variable.optionalUrl(),
  ID: variable.uuid(),
  LEDGER: variable.oneOf(['postgres', 'memory'])
})

const good = {
  NEEDED: 'yes',
  ADDRESS: 'https://example.com',
  ID: 'cf5fd7d3-1eb1-4041-8e43-ba45747e9e5d',
  LEDGER: 'memory'
}

function problemsOf(environment: Record<string, string | undefined>): string[] {
  try {
    parseEnvironment(schema, environment)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    return (error as Error).message.split('\n')
  }
  return []
}

describe('configuration', () => {
  test('has its defaults; empty counts as absent', () => {
    expect(parseEnvironment(schema, { ...good, NAME: '', COUNT: '', NOTE: '' })).toEqual({
      ...good,
      NAME: 'anonymous',
      FLAG: false,
      COUNT: 5,
      PORT: 3000
    })
  })

  test('is typed', () => {
    const all = {
      ...good,
      FLAG: 'true',
      COUNT: '7',
      LIMIT: '0',
      PORT: '0',
      OTHER: 'http://localhost:1',
      NOTE: 'x'
    }
    expect(parseEnvironment(schema, all)).toMatchObject({
      FLAG: true,
      COUNT: 7,
      LIMIT: 0,
      PORT: 0,
      NOTE: 'x'
    })
    expect(parseEnvironment(schema, { ...good, FLAG: 'TRUE' }).FLAG).toBe(false)
  })

  test('names every wrong variable at once: what it holds and what is allowed', () => {
    const problems = problemsOf({
      COUNT: '0',
      LIMIT: '1.5',
      PORT: '65536',
      ADDRESS: 'example',
      OTHER: '/path',
      ID: 'abc',
      LEDGER: 'mysql'
    })
    expect(problems.sort()).toEqual([
      'ADDRESS holds "example": a URL is needed, such as https://example.com',
      'COUNT holds "0": a whole number of at least 1 is needed',
      'ID holds "abc": a UUID is needed',
      'LEDGER holds "mysql": one of postgres, memory is needed',
      'LIMIT holds "1.5": a whole number of at least 0 is needed',
      'NEEDED is not set: a value is required',
      'OTHER holds "/path": a URL is needed, such as https://example.com',
      'PORT holds "65536": a port from 0 to 65535 is needed'
    ])
    expect(problemsOf({ ...good, COUNT: '99999999999999999999' })).toHaveLength(1)
  })

  test('a whole number is read exactly, or refused', () => {
    const counts = z.object({ COUNT: variable.integer(0, 0) })
    fc.assert(
      fc.property(fc.oneof(fc.nat().map(String), fc.string({ minLength: 1 })), (text) => {
        try {
          expect(String(parseEnvironment(counts, { COUNT: text }).COUNT)).toBe(BigInt(text).toString())
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigurationError)
        }
      })
    )
  })

  test('does not repeat secrets', () => {
    const secrets = z.object({ API_SECRET: variable.uuid() })
    expect(() => parseEnvironment(secrets, { API_SECRET: 'hunter2' })).toThrow(
      /^API_SECRET holds a value that is not allowed: a UUID is needed$/
    )
  })
})
