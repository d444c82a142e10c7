import { MAX_AMOUNT } from '../../ledger/index.ts'
import type { Clock, Database, Random } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { BackendConfig } from '../config.ts'
import type { Fee, Fees } from '../fees/model.ts'
import { failure, isFailure } from '../model.ts'
import type { Amount, Failure } from '../model.ts'
import { mapPages, selectPages } from '../../pagination/index.ts'
import type { Rates } from '../rates/model.ts'
import { RemoteUnavailableError } from '../receivers/index.ts'
import { isActiveReceiver, RECENT_READ_MS, UNREADABLE_RECEIVER } from '../receivers/model.ts'
import type { Receiver, Receivers } from '../receivers/model.ts'
import { isUuid } from '../sql.ts'
import type { WalletAddresses } from '../wallet-addresses/model.ts'
import { createQuoteCache } from './cache.ts'
import type { IlpMethod, IlpMethodQuote } from './ilp-method.ts'
import type { Quote, QuoteFailure, Quotes } from './model.ts'
import { decimalOf, minimumDebit, price, principalOf, quoteLocal } from './pricing.ts'
import type { MethodTooSmall, Terms } from './pricing.ts'
import { insertQuote, readDetails, TABLE, toQuote } from './store.ts'
import type { QuoteRow } from './store.ts'

export interface QuoteServiceDependencies {
  database: Database
  clock: Clock
  random: Random
  /** The asset directory, which reads what this process has not heard of yet. */
  assets: { find(id: string): Promise<Asset | undefined> }
  walletAddresses: Pick<WalletAddresses, 'get'>
  receivers: Pick<Receivers, 'get'>
  rates: Pick<Rates, 'ratio'>
  fees: Pick<Fees, 'latest'>
  ilpMethod: IlpMethod
  config: Pick<BackendConfig, 'OPEN_PAYMENTS_URL' | 'QUOTE_LIFESPAN'>
}

type Refusal = Failure<QuoteFailure>
type Create = Parameters<Quotes['create']>[0]
type PayableReceiver = Receiver & { credentials: NonNullable<Receiver['credentials']> }

/**
 * Quotes: what a payment to an incoming payment costs, and what it will deliver at least (Open Payments,
 * Quotes). A quote has no state; what was promised is kept by the payment that takes its id.
 */
export function createQuoteService(dependencies: QuoteServiceDependencies): Quotes {
  const { database, clock, random, assets, walletAddresses, receivers, rates, fees, ilpMethod, config } =
    dependencies
  const kept = createQuoteCache()

  async function create(input: Create): Promise<Quote | Refusal> {
    const walletAddress = await walletAddresses.get(input.walletAddressId, input.tenantId)
    if (walletAddress === undefined) {
      return failure('UnknownWalletAddress', `there is no wallet address ${input.walletAddressId}`)
    }
    if (!walletAddress.isActive) {
      return failure('InactiveWalletAddress', `wallet address ${walletAddress.address} is not active`)
    }
    const { asset } = walletAddress
    const refused = checkDebitAmount(input, asset)
    if (refused) return refused
    const receiver = await findReceiver(input.tenantId, input.receiver)
    if (isFailure(receiver)) return receiver
    const terms = termsOf(input, receiver)
    if (isFailure(terms)) return terms

    const fee = await fees.latest(asset.id, 'SENDING')
    const method = receiver.localPaymentId === undefined ? 'ILP' : 'LOCAL'
    const principal = terms.kind === 'fixedSend' ? principalOf(terms.debit, fee) : 0n
    const quoted = await (method === 'LOCAL' ? quoteLocally : quoteOverIlp)({
      tenantId: input.tenantId,
      asset,
      receiver,
      terms,
      principal
    })
    if (isFailure(quoted)) return quoted
    if ('minimumSource' in quoted) return tooSmall(quoted, fee, asset)

    const amounts = price(terms, quoted, fee)
    const outOfBounds = checkPrice(amounts, receiver)
    if (outOfBounds) return outOfBounds
    const createdAt = new Date(clock.nowMs())
    const quote: Quote = {
      id: input.id ?? random.orderedUuid(),
      tenantId: input.tenantId,
      walletAddressId: walletAddress.id,
      asset,
      receiver: receiver.incomingPaymentUrl,
      method,
      debitAmount: { value: amounts.debit, assetCode: asset.code, assetScale: asset.scale },
      debitAmountMinusFees: amounts.debitMinusFees,
      receiveAmount: {
        value: amounts.receive,
        assetCode: receiver.asset.code,
        assetScale: receiver.asset.scale
      },
      estimatedExchangeRate: quoted.estimatedExchangeRate,
      ...(fee && { feeId: fee.id }),
      ...(input.client !== undefined && { client: input.client }),
      expiresAt: expiryOf(createdAt, receiver),
      createdAt,
      ...(quoted.ilp && { ilp: quoted.ilp })
    }
    await insertQuote(database.knex, quote)
    kept.keep(quote)
    return quote
  }

  async function findReceiver(tenantId: string, url: string): Promise<PayableReceiver | Refusal> {
    const receiver = await receivers
      .get(tenantId, url, { maxAgeMs: RECENT_READ_MS, ownCredentials: true })
      .catch((error: unknown) => {
        if (!(error instanceof RemoteUnavailableError)) throw error
        return failure('RemoteUnavailable', error.message)
      })
    if (isFailure(receiver)) {
      return {
        ...failure('InvalidReceiver', UNREADABLE_RECEIVER),
        cause: `${url}: ${receiver.failure} ${receiver.message ?? ''}`
      }
    }
    const { credentials } = receiver
    if (credentials === undefined || !isActiveReceiver(receiver, clock.nowMs())) {
      return failure('InvalidReceiver', `the receiver ${url} is complete, expired or cannot be paid`)
    }
    return { ...receiver, credentials }
  }

  async function quoteLocally({ tenantId, asset, receiver, terms, principal }: MethodInput) {
    const rate = await rates.ratio(tenantId, asset, receiver.asset)
    if (isFailure(rate)) {
      return failure<QuoteFailure>(
        'CouldNotFetchRates',
        `no rate from ${asset.code} to ${receiver.asset.code}: ${rate.failure}`
      )
    }
    const quoted = quoteLocal(terms, principal, rate)
    if ('minimumSource' in quoted) return quoted
    return { ...quoted, estimatedExchangeRate: decimalOf(rate), ilp: undefined }
  }

  function quoteOverIlp(input: MethodInput): Promise<IlpMethodQuote | MethodTooSmall | Refusal> {
    return ilpMethod.quote({
      ...input,
      credentials: input.receiver.credentials,
      receiverAsset: input.receiver.asset
    })
  }

  function expiryOf(createdAt: Date, { expiresAt }: Receiver): Date {
    const lifespanEnd = new Date(createdAt.getTime() + config.QUOTE_LIFESPAN)
    return expiresAt !== undefined && expiresAt < lifespanEnd ? expiresAt : lifespanEnd
  }

  /** With its asset as it is now: everything else of a quote never changes. */
  async function keptQuote(id: string): Promise<Quote | undefined> {
    const quote = kept.get(id.toLowerCase())
    const asset = quote && (await assets.find(quote.asset.id))
    return quote && asset && { ...quote, asset }
  }

  async function read(rows: readonly QuoteRow[]): Promise<Quote[]> {
    const details = await readDetails(
      database.knex,
      rows.filter((row) => row.method === 'ILP').map((row) => row.id)
    )
    return Promise.all(
      rows.map(async (row) => {
        const asset = await assets.find(row.assetId)
        if (asset === undefined) throw new Error(`quote ${row.id} has the unknown asset ${row.assetId}`)
        return toQuote(row, asset, details.get(row.id))
      })
    )
  }

  return {
    create,
    async get(id, tenantId) {
      if (!isUuid(id)) return undefined
      let quote = await keptQuote(id)
      if (quote === undefined) {
        ;[quote] = await read(await database.knex<QuoteRow>(TABLE).where({ id }))
        if (quote) kept.keep(quote)
      }
      return tenantId === undefined || quote?.tenantId === tenantId.toLowerCase() ? quote : undefined
    },
    async getMany(ids) {
      if (ids.length === 1) {
        const quote = await keptQuote(ids[0]!)
        if (quote) return [quote]
      }
      const quotes = await read(
        await database.knex<QuoteRow>(TABLE).whereRaw('id = ANY(?::uuid[])', [ids.filter(isUuid)])
      )
      const byId = new Map(quotes.map((quote) => [quote.id, quote]))
      return ids.map((id) => byId.get(id.toLowerCase()))
    },
    async pages(walletAddressIds, request) {
      const { knex } = database
      const lists = { table: TABLE, ownerColumn: 'walletAddressId', select: () => knex(TABLE) }
      return mapPages(await selectPages<QuoteRow>(knex, lists, walletAddressIds, request), read)
    },
    url: ({ id, tenantId }) => `${config.OPEN_PAYMENTS_URL}/${tenantId}/quotes/${id}`
  }
}

interface MethodInput {
  tenantId: string
  asset: Asset
  receiver: PayableReceiver
  terms: Terms
  /** What is left of a fixed debit amount after its fee; 0 for a fixed delivery. */
  principal: bigint
}

function checkDebitAmount({ debitAmount, receiveAmount }: Create, asset: Asset): Refusal | undefined {
  if (debitAmount && receiveAmount) {
    return failure('InvalidAmount', 'give debitAmount or receiveAmount, not both')
  }
  return debitAmount && checkAmount('debitAmount', debitAmount, asset)
}

function checkAmount(
  name: string,
  { value, assetCode, assetScale }: Amount,
  asset: { code: string; scale: number }
): Refusal | undefined {
  if (value <= 0n || value > MAX_AMOUNT) {
    return failure('InvalidAmount', `${name} is ${value}: at least 1 and at most ${MAX_AMOUNT} is needed`)
  }
  if (assetCode === asset.code && assetScale === asset.scale) return undefined
  return failure(
    'InvalidAmount',
    `${name} is in ${assetCode}/${assetScale}, ${asset.code}/${asset.scale} is needed`
  )
}

/** What the receiver still takes; undefined where its amount is open. */
function remainingOf({ incomingAmount, receivedAmount }: Receiver): bigint | undefined {
  return incomingAmount && incomingAmount.value - receivedAmount.value
}

function termsOf({ debitAmount, receiveAmount }: Create, receiver: Receiver): Terms | Refusal {
  if (debitAmount) return { kind: 'fixedSend', debit: debitAmount.value }
  const remaining = remainingOf(receiver)
  if (receiveAmount) {
    const refused = checkAmount('receiveAmount', receiveAmount, receiver.asset)
    if (refused) return refused
    if (remaining !== undefined && receiveAmount.value > remaining) {
      return failure('InvalidAmount', `the receiver takes ${remaining} more, not ${receiveAmount.value}`)
    }
    return { kind: 'fixedDelivery', receive: receiveAmount.value }
  }
  if (remaining === undefined) {
    return failure('InvalidAmount', 'the receiver names no amount: give debitAmount or receiveAmount')
  }
  if (remaining <= 0n) return failure('InvalidReceiver', 'the receiver has all that it asked for')
  return { kind: 'fixedDelivery', receive: remaining }
}

function tooSmall({ minimumSource }: MethodTooSmall, fee: Fee | undefined, asset: Asset): Refusal {
  const value = minimumDebit(minimumSource, fee)
  return failure(
    'NonPositiveReceiveAmount',
    'nothing would be delivered',
    // No amount that can be written would be enough, where the least is above all of them.
    value === undefined || value > MAX_AMOUNT
      ? undefined
      : { minSendAmount: { value, assetCode: asset.code, assetScale: asset.scale } }
  )
}

function checkPrice(
  { debit, receive }: { debit: bigint; receive: bigint },
  receiver: Receiver
): Refusal | undefined {
  const remaining = remainingOf(receiver)
  if (remaining !== undefined && receive > remaining) {
    return failure('InvalidAmount', `${receive} would be delivered, the receiver takes ${remaining} more`)
  }
  if (debit > MAX_AMOUNT || receive > MAX_AMOUNT) {
    return failure('InvalidAmount', `an amount above ${MAX_AMOUNT} would be needed`)
  }
  return undefined
}
