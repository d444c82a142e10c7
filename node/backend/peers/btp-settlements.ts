import type { Clock, Database, Logger, Random } from '../../runtime/index.ts'
import type { RunningAssetDirectory } from '../assets/directory.ts'
import type { LiquidityService } from '../liquidity/service.ts'
import { failure, isFailure } from '../model.ts'
import type { Failure } from '../model.ts'
import type { PeerRow } from './store.ts'

/** What a peer says that it has paid outside: the Transfer of RFC 23. */
export interface BtpSettlement {
  /** The peer's own id of it, 1 to MAX_TRANSFER_ID_LENGTH visible ASCII characters: makes repeats safe. */
  transferId: string
  /** Minor units of the peer's asset. */
  amount: bigint
}

export const MAX_TRANSFER_ID_LENGTH = 64

export type BtpSettlementFailure =
  /** Nothing is taken on this peer's word, or not as much. */
  | 'NotAccepted'
  /** The id names another amount already. */
  | 'DuplicateId'
  | 'InvalidSettlement'

export interface BtpSettlements {
  /**
   * Books a settlement on the peer's word. Nothing is returned once it is in the ledger, now or before.
   *
   * @throws an error when that is not known: the peer repeats it
   */
  settle(peerId: string, settlement: BtpSettlement): Promise<void | Failure<BtpSettlementFailure>>
  /** Books what was claimed and never finished, because its process died. */
  finish(): Promise<void>
}

/**
 * Settlements that peers announce over BTP. Nobody checks them, so the operator says for how much in all the peer's
 * word is good (`maxSettledOverBtp`), and that is all that can be lost (docs/decisions/0011):
 *
 *   (Transfer) ──row under the peer's id of it, total raised, deposit claimed──▶ CLAIMED ──ledger──▶ booked, Response
 *       └──not taken, or the total would exceed the maximum──▶ Error
 *
 * The first step is one transaction with the peer's row locked; a repeat finds the row and carries out the same deposit.
 */
export function createBtpSettlements(dependencies: {
  database: Database
  clock: Clock
  random: Random
  logger: Logger
  assets: Pick<RunningAssetDirectory, 'find'>
  liquidity: Pick<LiquidityService, 'claimDeposit' | 'deposit' | 'finishDeposits'>
}): BtpSettlements {
  const { database, clock, random, logger, assets, liquidity } = dependencies

  async function claim(peerId: string, { transferId, amount }: BtpSettlement) {
    const before = await database.knex<PeerRow>('peers').where({ id: peerId }).first('assetId')
    const asset = before && (await assets.find(before.assetId))
    return database.transaction(async (trx) => {
      const peer = await trx<PeerRow>('peers').where({ id: peerId }).forUpdate().first()
      if (peer === undefined || asset === undefined) return failure('NotAccepted', 'no longer a peer')
      const deposit = { accountId: peerId, asset, amount }
      const known = await trx<SettlementRow>('btpSettlements').where({ peerId, transferId }).first()
      if (known !== undefined) {
        if (known.amount === amount) return { ...deposit, id: known.id }
        return failure('DuplicateId', `the transfer_id "${transferId}" is one of ${known.amount}`)
      }
      const closed = await trx('tenants').where({ id: peer.tenantId }).whereNotNull('deletedAt').first('id')
      if (closed !== undefined) return failure('NotAccepted', 'the account was closed')
      const maximum = peer.maxSettledOverBtp ?? 0n
      if (maximum === 0n) return failure('NotAccepted', 'settlements are not taken over this connection')
      const total = peer.settledOverBtp + amount
      if (total > maximum) {
        return failure(
          'NotAccepted',
          `settlements of ${maximum} in all are taken, this would make it ${total}`
        )
      }
      const row: SettlementRow = { id: random.orderedUuid(), peerId, transferId, amount }
      await trx('btpSettlements').insert({ ...row, createdAt: new Date(clock.nowMs()) })
      await trx('peers').where({ id: peerId }).update({ settledOverBtp: total })
      await liquidity.claimDeposit(trx, { ...deposit, id: row.id })
      return { ...deposit, id: row.id }
    })
  }

  return {
    async settle(peerId, settlement) {
      const { transferId, amount } = settlement
      if (amount === 0n) return failure('InvalidSettlement', 'the amount is zero')
      if (!TRANSFER_ID.test(transferId)) {
        const form = `1 to ${MAX_TRANSFER_ID_LENGTH} visible ASCII characters`
        return failure('InvalidSettlement', `the sub-protocol "transfer_id" must be text of ${form}`)
      }
      const deposit = await claim(peerId, settlement)
      if (isFailure(deposit)) return deposit
      const refusal = await liquidity.deposit(deposit)
      if (refusal === undefined) {
        const settled = { peerId, transferId, amount: amount.toString() }
        logger.info({ event: 'btp_settled', ...settled }, 'a peer settled over BTP')
      } else if (refusal.failure !== 'TransferExists') {
        throw new Error(
          `the ledger refused the settlement ${transferId} of peer ${peerId}: ${refusal.message}`
        )
      }
    },
    finish: () => liquidity.finishDeposits('btpSettlements')
  }
}

interface SettlementRow {
  /** The deposit's id. */
  id: string
  peerId: string
  transferId: string
  amount: bigint
}

const TRANSFER_ID = new RegExp(`^[!-~]{1,${MAX_TRANSFER_ID_LENGTH}}$`)
