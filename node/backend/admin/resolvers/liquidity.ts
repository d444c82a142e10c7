import { adminError } from '../../../admin-api/index.ts'
import { MAX_AMOUNT } from '../../../ledger/index.ts'
import type { Asset } from '../../assets/model.ts'
import { liquidityFailures, outgoingPaymentFailures } from '../../failures.ts'
import type { LiquidityFailure } from '../../liquidity/model.ts'
import { isFailure } from '../../model.ts'
import type { Failure } from '../../model.ts'
import type { OutgoingPaymentFailure } from '../../outgoing-payments/model.ts'
import { isUuid } from '../../sql.ts'
import { scopeOf, timeoutSeconds } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import { failureError, unwrap } from '../errors.ts'
import { mutation } from '../mutation.ts'

interface Deposit {
  id: string
  amount: bigint
}

interface Withdrawal extends Deposit {
  timeoutSeconds: bigint
}

export const liquidityResolvers = {
  Mutation: {
    depositAssetLiquidity: mutation(
      'depositAssetLiquidity',
      async (input: Deposit & { assetId: string }, context) =>
        deposit(context, await assetAccount(context, input.assetId), input)
    ),
    createAssetLiquidityWithdrawal: mutation(
      'createAssetLiquidityWithdrawal',
      async (input: Withdrawal & { assetId: string }, context) =>
        withdraw(context, await assetAccount(context, input.assetId, 'deleted too'), input)
    ),
    depositPeerLiquidity: mutation(
      'depositPeerLiquidity',
      async (input: Deposit & { peerId: string }, context) =>
        deposit(context, await peerAccount(context, input.peerId), input)
    ),
    createPeerLiquidityWithdrawal: mutation(
      'createPeerLiquidityWithdrawal',
      async (input: Withdrawal & { peerId: string }, context) =>
        withdraw(context, await peerAccount(context, input.peerId, 'deleted too'), input)
    ),
    postLiquidityWithdrawal: mutation(
      'postLiquidityWithdrawal',
      async ({ withdrawalId }: { withdrawalId: string }, context) =>
        done(await context.services.liquidity.postWithdrawal(withdrawalId, scopeOf(context).tenantId))
    ),
    voidLiquidityWithdrawal: mutation(
      'voidLiquidityWithdrawal',
      async ({ withdrawalId }: { withdrawalId: string }, context) =>
        done(await context.services.liquidity.voidWithdrawal(withdrawalId, scopeOf(context).tenantId))
    ),

    depositOutgoingPaymentLiquidity: mutation(
      'depositOutgoingPaymentLiquidity',
      async (
        { outgoingPaymentId, dataToTransmit }: { outgoingPaymentId: string; dataToTransmit?: string | null },
        { services, tenant }
      ) => {
        if (!isUuid(outgoingPaymentId)) throw failureError(liquidityFailures, { failure: 'InvalidId' })
        const funded = await services.outgoingPayments.fund({
          id: outgoingPaymentId,
          tenantId: tenant.id,
          ...(dataToTransmit != null && { dataToTransmit })
        })
        if (isFailure(funded)) throw fundingError(funded)
        return { success: true }
      }
    ),

    // Both by the id of an event, which is also the transfer's: the mutations by payment do the same.
    depositEventLiquidity: mutation(
      'depositEventLiquidity',
      async ({ eventId }: { eventId: string }, context) => {
        const event = await context.services.webhookEvents.get(eventId, scopeOf(context).tenantId)
        const paymentId = event?.type === 'outgoing_payment.created' ? event.outgoingPaymentId : undefined
        if (!event || paymentId === undefined) throw failureError(liquidityFailures, { failure: 'InvalidId' })
        const funded = await context.services.outgoingPayments.fund({
          id: paymentId,
          tenantId: event.tenantId
        })
        if (isFailure(funded)) throw fundingError(funded)
        return { success: true }
      }
    ),
    withdrawEventLiquidity: mutation(
      'withdrawEventLiquidity',
      async ({ eventId }: { eventId: string }, context) => {
        const { webhookEvents, assets } = context.services
        const event = await webhookEvents.get(eventId, scopeOf(context).tenantId)
        const announced = event?.withdrawal
        const [asset] = announced ? await assets.getMany([announced.assetId]) : []
        if (!event || !announced || !asset) throw failureError(liquidityFailures, { failure: 'InvalidId' })
        const { accountId, amount } = announced
        return withdraw(context, { accountId, asset }, { id: event.id, amount, timeoutSeconds: 0n })
      }
    ),

    createWalletAddressWithdrawal: mutation(
      'createWalletAddressWithdrawal',
      async (input: { walletAddressId: string; id: string; timeoutSeconds: bigint }, context) => {
        const { walletAddresses, liquidity } = context.services
        const walletAddress = await walletAddresses.get(input.walletAddressId, scopeOf(context).tenantId)
        if (!walletAddress) throw unknown('UnknownWalletAddress', 'Unknown wallet address')
        const { id, timeoutSeconds } = input
        const balance = (await liquidity.balance(walletAddress.id)) ?? 0n
        if (balance === 0n) {
          // Nothing is left where this very withdrawal took it.
          const failure = (await liquidity.isTaken(id)) ? 'TransferExists' : 'AmountZero'
          throw failureError(liquidityFailures, { failure })
        }
        // An account may hold more than one transfer moves: the next withdrawal takes the rest.
        const amount = balance > MAX_AMOUNT ? MAX_AMOUNT : balance
        const account = { accountId: walletAddress.id, asset: walletAddress.asset }
        await withdraw(context, account, { id, amount, timeoutSeconds })
        return { withdrawal: { id, amount, walletAddress } }
      }
    ),

    // The ids of both withdrawals are those of the events that announced them: asked twice, the second time is
    // answered TransferExists, and nothing is withdrawn again.
    createIncomingPaymentWithdrawal: mutation(
      'createIncomingPaymentWithdrawal',
      async (input: { incomingPaymentId: string; timeoutSeconds: bigint }, context) => {
        const { incomingPayments, webhookEvents } = context.services
        const { incomingPaymentId: id } = input
        const payment = isUuid(id) ? await incomingPayments.get(id, scopeOf(context).tenantId) : undefined
        const event =
          payment &&
          (await webhookEvents.latestEvent({
            incomingPaymentId: payment.id,
            types: ['incoming_payment.completed', 'incoming_payment.expired']
          }))
        if (!payment || !event?.withdrawal)
          throw unknown('UnknownIncomingPayment', 'Unknown incoming payment')
        return withdraw(
          context,
          { accountId: payment.id, asset: payment.asset },
          { id: event.id, amount: event.withdrawal.amount, timeoutSeconds: input.timeoutSeconds }
        )
      }
    ),
    createOutgoingPaymentWithdrawal: mutation(
      'createOutgoingPaymentWithdrawal',
      async (input: { outgoingPaymentId: string; timeoutSeconds: bigint }, context) => {
        const { outgoingPayments, webhookEvents } = context.services
        const { outgoingPaymentId: id } = input
        const payment = isUuid(id) ? await outgoingPayments.get(id, scopeOf(context).tenantId) : undefined
        const event =
          payment &&
          (await webhookEvents.latestEvent({
            outgoingPaymentId: payment.id,
            types: ['outgoing_payment.completed', 'outgoing_payment.failed']
          }))
        if (!payment || !event) throw unknown('UnknownOutgoingPayment', 'Unknown outgoing payment')
        const amount = event.withdrawal?.amount ?? 0n
        if (amount === 0n) throw failureError(liquidityFailures, { failure: 'InsufficientBalance' })
        return withdraw(
          context,
          { accountId: payment.id, asset: payment.quote.asset },
          { id: event.id, amount, timeoutSeconds: input.timeoutSeconds }
        )
      }
    )
  }
}

interface LiquidityAccount {
  accountId: string
  asset: Asset
}

/** Whose account is meant. What a deleted asset or peer holds may still be withdrawn; nothing is deposited there. */
type Whose = 'live' | 'deleted too'

async function assetAccount(
  context: AdminContext,
  id: string,
  whose: Whose = 'live'
): Promise<LiquidityAccount> {
  const { assets } = context.services
  const { tenantId } = scopeOf(context)
  const [asset] =
    whose === 'live' ? [await assets.get(id, tenantId)] : await assets.getMany([id.toLowerCase()])
  if (!asset || (tenantId !== undefined && asset.tenantId !== tenantId)) {
    throw unknown('UnknownAsset', 'Unknown asset')
  }
  return { accountId: asset.id, asset }
}

async function peerAccount(
  context: AdminContext,
  id: string,
  whose: Whose = 'live'
): Promise<LiquidityAccount> {
  const { peers } = context.services
  const { tenantId } = scopeOf(context)
  const peer = await peers.get(id, tenantId)
  if (peer) return { accountId: peer.id, asset: peer.asset }
  const account = whose === 'live' ? undefined : await peers.accountOf(id, tenantId)
  if (!account) throw unknown('UnknownPeer', 'Unknown peer')
  return account
}

async function deposit({ services }: AdminContext, account: LiquidityAccount, { id, amount }: Deposit) {
  return done(await services.liquidity.deposit({ ...account, id, amount }))
}

async function withdraw({ services }: AdminContext, account: LiquidityAccount, withdrawal: Withdrawal) {
  const { id, amount } = withdrawal
  return done(
    await services.liquidity.withdraw({
      ...account,
      id,
      amount,
      timeoutSeconds: timeoutSeconds(withdrawal.timeoutSeconds)
    })
  )
}

function done(result: void | Failure<LiquidityFailure>): { success: true } {
  unwrap(liquidityFailures, result)
  return { success: true }
}

function unknown(failure: string, message: string) {
  return adminError('NOT_FOUND', message, { failure })
}

/** An unknown payment has no created event, whose id the deposit would get: the contract calls the id invalid. */
function fundingError(refused: Failure<OutgoingPaymentFailure | LiquidityFailure>) {
  const { failure: code } = refused
  if (code === 'UnknownPayment') return failureError(liquidityFailures, { ...refused, failure: 'InvalidId' })
  return isLiquidityFailure(code)
    ? failureError(liquidityFailures, { ...refused, failure: code })
    : failureError(outgoingPaymentFailures, { ...refused, failure: code })
}

function isLiquidityFailure(code: OutgoingPaymentFailure | LiquidityFailure): code is LiquidityFailure {
  return code in liquidityFailures
}
