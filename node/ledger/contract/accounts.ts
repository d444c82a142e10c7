import { describe, expect, it } from 'vitest'
import { ID_MAX } from '../model.ts'
import { ALICE, ELSEWHERE, UNKNOWN, OTHER_LEDGER, spender } from './kit.ts'
import type { ContractKit } from './kit.ts'

/** Accounts: created once, refused with the reason. */
export function describeAccounts({ open }: ContractKit): void {
  describe('accounts', () => {
    it('exist once, with the fields they were created with', async () => {
      const { ledger } = await open()
      expect(await ledger.createAccounts([spender(ALICE)])).toEqual(['exists'])
      expect(
        await ledger.createAccounts([
          { ...spender(ALICE), code: 9 },
          { ...spender(ALICE), ledger: 9 },
          { ...spender(ALICE), flags: {} },
          { ...spender(ALICE), userData128: 9n }
        ])
      ).toEqual(Array(4).fill('exists_with_different_fields'))
      const [elsewhere, unknown, alice] = await ledger.lookupAccounts([ELSEWHERE, UNKNOWN, ALICE])
      expect(unknown).toBeUndefined()
      expect(elsewhere).toEqual({
        id: ELSEWHERE,
        ledger: OTHER_LEDGER,
        code: 2,
        userData128: 77n,
        flags: { debitsMustNotExceedCredits: false, creditsMustNotExceedDebits: false },
        debitsPending: 0n,
        debitsPosted: 0n,
        creditsPending: 0n,
        creditsPosted: 0n
      })
      expect(alice!.flags.debitsMustNotExceedCredits).toBe(true)
    })

    it('are refused with the reason, each by itself', async () => {
      const { ledger } = await open()
      const both = { debitsMustNotExceedCredits: true, creditsMustNotExceedDebits: true }
      expect(
        await ledger.createAccounts([
          { id: 0n, ledger: 1, code: 1 },
          { id: ID_MAX, ledger: 1, code: 1 },
          { id: 50n, ledger: 1, code: 1, flags: both },
          { id: 50n, ledger: 0, code: 1 },
          { id: 50n, ledger: 1, code: 0 },
          { id: 50n, ledger: 2 ** 32 - 1, code: 2 ** 16 - 1, userData128: ID_MAX },
          { id: 50n, ledger: 2 ** 32 - 1, code: 2 ** 16 - 1, userData128: ID_MAX },
          { id: ID_MAX - 1n, ledger: 1, code: 1 }
        ])
      ).toEqual([
        'id_must_not_be_zero',
        'id_must_not_be_int_max',
        'flags_are_mutually_exclusive',
        'ledger_must_not_be_zero',
        'code_must_not_be_zero',
        'ok',
        'exists',
        'ok'
      ])
      const [widest] = await ledger.lookupAccounts([50n])
      expect(widest).toMatchObject({ ledger: 2 ** 32 - 1, code: 2 ** 16 - 1, userData128: ID_MAX })
    })
  })
}
