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
          { ...spender(ALICE), flags: { ...spender(ALICE).flags, history: true } },
          { ...spender(ALICE), userData128: 9n }
        ])
      ).toEqual(Array(5).fill('exists_with_different_fields'))
      const [elsewhere, unknown, alice] = await ledger.lookupAccounts([ELSEWHERE, UNKNOWN, ALICE])
      expect(unknown).toBeUndefined()
      expect(elsewhere).toEqual({
        id: ELSEWHERE,
        ledger: OTHER_LEDGER,
        code: 2,
        userData128: 77n,
        flags: {
          linked: false,
          debitsMustNotExceedCredits: false,
          creditsMustNotExceedDebits: false,
          history: false
        },
        debitsPending: 0n,
        debitsPosted: 0n,
        creditsPending: 0n,
        creditsPosted: 0n
      })
      expect(alice!.flags.debitsMustNotExceedCredits).toBe(true)
    })

    it('linked ones are created together, with flags that stay', async () => {
      const { ledger } = await open()
      const pair = [
        {
          id: 50n,
          ledger: 1,
          code: 2,
          flags: { linked: true, debitsMustNotExceedCredits: true, history: true }
        },
        { id: 51n, ledger: 1, code: 101, flags: { creditsMustNotExceedDebits: true, history: true } }
      ]
      expect(await ledger.createAccounts(pair)).toEqual(['ok', 'ok'])
      const found = await ledger.lookupAccounts([50n, 51n])
      expect(found.map((account) => account!.flags)).toEqual([
        { linked: true, debitsMustNotExceedCredits: true, creditsMustNotExceedDebits: false, history: true },
        { linked: false, debitsMustNotExceedCredits: false, creditsMustNotExceedDebits: true, history: true }
      ])
      expect(await ledger.createAccounts(pair)).toEqual(['exists', 'linked_event_failed'])
    })

    it('of a linked chain none is created when one is refused; its neighbours are', async () => {
      const { ledger } = await open()
      const account = (id: bigint, linked = false, code = 2) => ({ id, ledger: 1, code, flags: { linked } })
      expect(
        await ledger.createAccounts([
          account(60n),
          account(61n, true),
          account(62n, true),
          account(63n, true, 0),
          account(64n),
          account(61n),
          account(65n, true),
          account(66n, true)
        ])
      ).toEqual([
        'ok',
        'linked_event_failed',
        'linked_event_failed',
        'code_must_not_be_zero',
        'linked_event_failed',
        'ok',
        'linked_event_failed',
        'linked_event_chain_open'
      ])
      const found = await ledger.lookupAccounts([60n, 61n, 62n, 63n, 64n, 65n, 66n])
      expect(found.map((one) => one?.id)).toEqual([60n, 61n, ...Array<undefined>(5).fill(undefined)])
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
