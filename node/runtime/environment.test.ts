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
  BASE: variable.baseUrl().default('https://base.example'),
  QUEUE: variable.serviceUrl('queue://127.0.0.1', ['queue', 'queues']),
  TOKEN_LIFE_MS: variable.integer(1, 1),
  KEY_FILE: variable.oneOf(['a']).optional(),
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
      PORT: 3000,
      BASE: 'https://base.example',
      QUEUE: 'queue://127.0.0.1',
      TOKEN_LIFE_MS: 1
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
      'ADDRESS holds "example": an http(s) URL is needed, such as https://example.com',
      'COUNT holds "0": a whole number of at least 1 is needed',
      'ID holds "abc": a UUID is needed',
      'LEDGER holds "mysql": one of postgres, memory is needed',
      'LIMIT holds "1.5": a whole number of at least 0 is needed',
      'NEEDED is not set: a value is required',
      'OTHER holds "/path": an http(s) URL is needed, such as https://example.com',
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

  test.each([
    'ftp://a.example',
    'postgresql://a',
    'javascript:alert(1)',
    'https://',
    'a.example',
    '//a.example'
  ])('%s is no URL to be called', (value) => {
    const because = `holds "${value}": an http(s) URL is needed, such as https://example.com`
    for (const name of ['ADDRESS', 'OTHER', 'BASE']) {
      expect(problemsOf({ ...good, [name]: value })).toEqual([`${name} ${because}`])
    }
  })

  test('a URL that others are made from has nothing after its path, and no credentials', () => {
    for (const value of [
      'https://a.example?b',
      'https://a.example/b?',
      'https://a.example/#',
      'https://u@a.example'
    ]) {
      expect(problemsOf({ ...good, BASE: value })).toEqual([
        expect.stringMatching(/^BASE holds .*: a URL without query, fragment and credentials is needed/)
      ])
      expect(problemsOf({ ...good, ADDRESS: value })).toEqual([])
    }
    expect(problemsOf({ ...good, BASE: 'http://127.0.0.1:3001/.well-known/pay' })).toEqual([])
  })

  test('a service of another kind is named by its scheme', () => {
    for (const value of ['queue://a:1/b', 'queues://a'])
      expect(problemsOf({ ...good, QUEUE: value })).toEqual([])
    for (const value of ['http://a', 'queue:a', 'a', 'queuex://a']) {
      expect(problemsOf({ ...good, QUEUE: value })).toEqual([
        `QUEUE holds "${value}": a URL is needed, such as queue://127.0.0.1`
      ])
    }
  })

  test('does not repeat credentials within a URL, nor hide what is no secret', () => {
    const wrong = { ...good, QUEUE: 'http://me:hun@ter2@a/b', TOKEN_LIFE_MS: 'soon', KEY_FILE: 'b' }
    expect(problemsOf(wrong).sort()).toEqual([
      'KEY_FILE holds "b": one of a is needed',
      'QUEUE holds "http://…@a/b": a URL is needed, such as queue://127.0.0.1',
      'TOKEN_LIFE_MS holds "soon": a whole number of at least 1 is needed'
    ])
  })

  test('does not repeat secrets', () => {
    const secrets = z.object({ API_SECRET: variable.uuid() })
    expect(() => parseEnvironment(secrets, { API_SECRET: 'hunter2' })).toThrow(
      /^API_SECRET holds a value that is not allowed: a UUID is needed$/
    )
  })
})
