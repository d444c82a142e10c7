import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LifecycleError } from '../../../backend/outgoing-payments/errors.ts'
import { FAILURE_CODES, failureWords } from './failure-words.ts'

/** The codes of the sender, as the type of its errors lists them. */
const sendErrorCodes = [
  ...readFileSync(new URL('../../../ilp/stream/send-error.ts', import.meta.url), 'utf8').matchAll(
    /^ {2}\| '(\w+)'$/gm
  )
].map(([, code]) => code!)

describe('words for failures', () => {
  it('are there for every error that the node gives a payment, and for no other', () => {
    expect(sendErrorCodes).toContain('IdleTimeout')
    expect(FAILURE_CODES.toSorted()).toEqual(
      [...new Set([...Object.values(LifecycleError), ...sendErrorCodes])].toSorted()
    )
  })

  it('take what a receiver says as its own words', () => {
    expect(failureWords('We do not know this payer').meaning).toContain('receiver declined')
  })
})
