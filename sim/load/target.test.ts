import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WrongUse } from '../commands/wrong-use.ts'
import { readTarget } from './target.ts'

let directory: string
beforeAll(() => void (directory = mkdtempSync(path.join(tmpdir(), 'load-target-'))))
afterAll(() => rmSync(directory, { recursive: true }))

function read(text: string) {
  const file = path.join(directory, 'target.json')
  writeFileSync(file, text)
  return readTarget(file)
}

const connector = {
  url: 'http://10.0.0.5:3002/',
  authToken: 'token',
  destination: 'test.load.receiver',
  receiver: { port: 4000 }
}

describe('the description of a target', () => {
  it('has defaults', () => {
    expect(read(JSON.stringify({ name: 'theirs', connector }))).toEqual({
      name: 'theirs',
      connector: { ...connector, amount: '1', receiver: { host: '127.0.0.1', port: 4000 } }
    })
  })

  it.each([
    ['{', /target.json is no JSON/],
    ['{}', /target.json: name: /],
    [JSON.stringify({ name: 'a', conector: {} }), /conector/],
    [JSON.stringify({ name: 'a', connector: { ...connector, url: 'ftp://a' } }), /connector\.url/],
    [
      JSON.stringify({ name: 'a', connector: { ...connector, amount: '-1' } }),
      /connector\.amount: must be minor units/
    ],
    [
      JSON.stringify({ name: 'a', connector: { ...connector, receiver: { port: 0 } } }),
      /connector\.receiver\.port/
    ]
  ])('%s is told in words', (text, message) => {
    expect(() => read(text)).toThrow(WrongUse)
    expect(() => read(text)).toThrow(message)
  })

  it('is missed in words', () => {
    expect(() => readTarget(path.join(directory, 'nothing.json'))).toThrow(
      /nothing.json cannot be read: ENOENT/
    )
  })
})
