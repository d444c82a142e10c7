import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse, validate } from 'graphql'
import { describe, expect, it } from 'vitest'
import { createAdminSchema } from '../backend/admin/index.ts'
import { PAGE_INFO } from './app/ui/page-info.ts'

const APP = path.join(import.meta.dirname, 'app')

/** Every GraphQL document of the UI, as its source has it. */
const documents = readdirSync(APP, { recursive: true, encoding: 'utf8' })
  .filter((file) => /(?<!\.test)\.tsx?$/.test(file))
  .flatMap((file) => {
    const source = readFileSync(path.join(APP, file), 'utf8')
    return [...source.matchAll(/\/\* GraphQL \*\/ `([^`]*)`/g)].map(([, text]) => ({
      file,
      text: text!.replaceAll('${PAGE_INFO}', PAGE_INFO)
    }))
  })

describe("the UI's operations", () => {
  const schema = createAdminSchema()

  it('are found', () => {
    expect(documents.length).toBeGreaterThan(10)
  })

  it.each(documents)('of $file are valid against the Admin API', ({ text }) => {
    expect(text).not.toContain('${')
    expect(validate(schema, parse(text)).map(({ message }) => message)).toEqual([])
  })
})
