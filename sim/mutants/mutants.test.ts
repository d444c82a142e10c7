import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createCatalogue } from '../scenarios/catalogue.ts'
import { applyEdit, mutatedFiles } from './apply.ts'
import { MUTANTS } from './catalogue.ts'
import type { Mutant } from './model.ts'

describe('planted bugs', () => {
  it('are at least 40, each with a name of its own', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(40)
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  })

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    '%s: its texts are found exactly once, what results is TypeScript, and its scenarios exist',
    (_, mutant) => {
      expect(mutatedFiles(mutant).size).toBeGreaterThan(0)
      expect(mutant.searches.length).toBeGreaterThan(0)
      for (const search of mutant.searches) {
        if ('scenario' in search) expect(existsSync(createCatalogue().file(search.scenario))).toBe(true)
      }
    }
  )

  const edit = { file: 'a.ts', find: 'one', replace: '$& two' }

  it('refuses a text that is there twice, or not at all, or that is not changed', () => {
    expect(() => applyEdit('one one', edit)).toThrow('a.ts has the text to replace 2 times, not once: one')
    expect(() => applyEdit('none', { ...edit, find: 'three' })).toThrow('0 times')
    expect(() => applyEdit('one', { ...edit, replace: 'one' })).toThrow('not changed')
    expect(applyEdit('one', edit)).toBe('$& two')
  })

  it('refuses what is no TypeScript any more', () => {
    const [first] = MUTANTS
    const [{ file, find }] = first!.edits as [Mutant['edits'][number]]
    const broken = { ...first!, edits: [{ file, find, replace: '((' }] }
    expect(() => mutatedFiles(broken)).toThrow('is no TypeScript any more')
  })
})
