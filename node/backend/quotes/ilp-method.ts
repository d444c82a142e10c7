import { MAX_PACKET_AMOUNT, maxOf, probePath, quoteFixedDelivery, quoteFixedSource } from '../../ilp/index.ts'
import type {
  KnownPath,
  PathProbe,
  ProbeFailure,
  ProbeOptions,
  Ratio,
  StreamCredentials
} from '../../ilp/index.ts'
import type { Clock, Logger, Random } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Connector } from '../connector/model.ts'
import { failure, isFailure } from '../model.ts'
import type { Failure } from '../model.ts'
import type { Rates } from '../rates/model.ts'
import type { IlpQuoteDetails, QuoteFailure } from './model.ts'
import { nodeOf } from './paths.ts'
import type { Paths } from './paths.ts'
import type { MethodQuote, MethodTooSmall, Terms } from './pricing.ts'
import { decimalOf } from './pricing.ts'

export interface IlpMethodQuote extends MethodQuote {
  /** The low estimate, for people to read. */
  estimatedExchangeRate: number
  ilp: IlpQuoteDetails | undefined
}

/** Quotes payments that leave this node: measures the path, and fixes this node's own conversion. */
export interface IlpMethod {
  quote(input: {
    tenantId: string
    asset: Asset
    credentials: StreamCredentials
    receiverAsset: { code: string; scale: number }
    terms: Terms
    principal: bigint
  }): Promise<IlpMethodQuote | MethodTooSmall | Failure<QuoteFailure>>
}

export interface IlpMethodDependencies {
  clock: Clock
  random: Random
  logger: Logger
  connector: Pick<Connector, 'senderFor' | 'nextHop'>
  rates: Pick<Rates, 'ratio'>
  paths: Pick<Paths, 'recall' | 'remember' | 'forget'>
  /** How far the path's rate may fall after the quote, as a part of 1. */
  slippage: Ratio
}

/** Amounts that are tried to tell what would be enough. */
const MAX_GUESSES = 10

/** Measures a path with packets that nobody can fulfill, sent through this node's own connector. */
export function createIlpMethod({
  clock,
  random,
  logger,
  connector,
  rates,
  paths,
  slippage
}: IlpMethodDependencies): IlpMethod {
  /**
   * What is said to be enough is tried: where several connectors round, no measurement of another amount tells it
   * exactly. Where it stays unknown, the last guess.
   */
  async function enoughFor(
    guess: bigint | undefined,
    path: PathProbe,
    measure: (amounts: { sourceAmount: bigint }, known: KnownPath) => Promise<PathProbe | ProbeFailure>
  ): Promise<bigint | undefined> {
    let sourceAmount = guess
    for (let round = 0; round < MAX_GUESSES; round++) {
      if (sourceAmount === undefined || sourceAmount > MAX_PACKET_AMOUNT) break
      const probe = await measure({ sourceAmount }, path)
      if (probe.type === 'failure') break
      const quoted = quoteFixedSource({ probe, slippage, sourceAmount })
      if (quoted.type === 'quote') break
      if (quoted.minimumSource === undefined) break
      sourceAmount = maxOf(quoted.minimumSource, sourceAmount + 1n)
    }
    return sourceAmount
  }

  return {
    async quote({ tenantId, asset, credentials, receiverAsset, terms, principal }) {
      const nextHop = await connector.nextHop(tenantId, credentials.destination)
      if (nextHop === undefined) {
        return failure('InvalidReceiver', `no route leads to the receiver's address ${nodeOf(credentials)}`)
      }
      const ratio = await rates.ratio(tenantId, asset, nextHop.asset)
      if (isFailure(ratio)) {
        return failure(
          'CouldNotFetchRates',
          `no rate from ${asset.code} to ${nextHop.asset.code}: ${ratio.failure}`
        )
      }
      const conversion = { assetId: nextHop.asset.id, ratio }
      const identity = { tenantId, assetId: asset.id, conversion, credentials, receiverAsset }
      const measure = (amounts: Pick<ProbeOptions, 'sourceAmount' | 'deliverAmount'>, known?: KnownPath) =>
        probePath({
          credentials,
          sendPacket: connector.senderFor({ tenantId, asset, conversion }),
          clock,
          random,
          ...(known && { known }),
          ...amounts
        })
      const path = await measure(
        // A debit amount that the fee eats is measured with one unit, to tell what would be enough.
        terms.kind === 'fixedSend'
          ? { sourceAmount: principal > 0n ? principal : 1n }
          : { deliverAmount: terms.receive },
        paths.recall(identity, nextHop.via)
      )
      if (path.type === 'failure') {
        paths.forget(identity)
        const { code, message } = path.error
        logger.info(
          { code, reason: message, destination: nodeOf(credentials) },
          'a path could not be measured'
        )
        return failure('InvalidReceiver', `the receiver cannot be reached (${code}): ${message}`)
      }
      paths.remember(identity, nextHop.via, path)
      const quoted =
        terms.kind === 'fixedSend'
          ? quoteFixedSource({ probe: path, slippage, sourceAmount: principal })
          : quoteFixedDelivery({ probe: path, slippage, deliverAmount: terms.receive })
      if (quoted.type === 'nothingDelivered') {
        const minimumSource = await enoughFor(quoted.minimumSource, path, measure)
        return { minimumSource }
      }
      return {
        source: quoted.maxSource,
        delivery: quoted.minDelivery,
        estimatedExchangeRate: decimalOf(path.lowRate),
        ilp: {
          ...(path.maxPacketAmount !== undefined && { maxPacketAmount: path.maxPacketAmount }),
          minRate: quoted.minimumRate,
          lowRate: path.lowRate,
          highRate: path.highRate,
          conversion
        }
      }
    }
  }
}
