import { MAX_PACKET_AMOUNT, floorTimes } from '../../../ilp/index.ts'
import type { Ratio } from '../../../ilp/index.ts'
import type { Asset } from '../../assets/model.ts'
import { isFailure } from '../../model.ts'
import type { Failure } from '../../model.ts'
import type { RatesFailure } from '../../rates/model.ts'
import type { ConnectorContext } from '../context.ts'
import { rejectPacket } from '../packet.ts'
import type { PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'

/**
 * The amount in the destination's asset, rounded down: in favour of our liquidity, or packets of one unit
 * would drain it (RFC 27, step 7 of the lifecycle: the connector applies its rate).
 */
export function convertAmount(
  packet: PacketInHand,
  context: ConnectorContext
): StepAnswer | Promise<StepAnswer> {
  if (packet.prepare.amount === 0n) return undefined
  const ratio = ratioTo(destinationAsset(packet), packet, context)
  return ratio instanceof Promise
    ? ratio.then((fetched) => applyRatio(packet, fetched))
    : applyRatio(packet, ratio)
}

function applyRatio(packet: PacketInHand, ratio: Ratio | Failure<RatesFailure>): StepAnswer {
  if (isFailure<RatesFailure>(ratio)) return rejectForRates(packet, ratio)
  const { amount } = packet.prepare
  packet.outgoingAmount = floorTimes(amount, ratio)
  if (packet.outgoingAmount === 0n) {
    return rejectPacket(packet, 'R01', `an amount of ${amount} is worth less than one unit of the next asset`)
  }
  if (packet.outgoingAmount > MAX_PACKET_AMOUNT) {
    return rejectPacket(packet, 'F03', `an amount of ${amount} is too large for a packet in the next asset`)
  }
  return undefined
}

const ONE: Ratio = { numerator: 1n, denominator: 1n }

/** The rate that a quote fixed, else that of the moment; from the cache where it is fresh. */
function ratioTo(
  asset: Asset,
  packet: PacketInHand,
  { rates }: ConnectorContext
): Ratio | Failure<RatesFailure> | Promise<Ratio | Failure<RatesFailure>> {
  if (asset.id === packet.asset.id) return ONE
  const fixed = packet.source.kind === 'local' ? packet.source.sender.conversion : undefined
  if (fixed?.assetId === asset.id) return fixed.ratio
  return (
    rates.cachedRatio(packet.tenantId, packet.asset, asset) ??
    rates.ratio(packet.tenantId, packet.asset, asset)
  )
}

/** Rates that cannot be had now: T00. A pair without a rate: F02. */
function rejectForRates(packet: PacketInHand, { failure }: Failure<RatesFailure>): StepAnswer {
  return rejectPacket(
    packet,
    failure === 'CouldNotFetchRates' ? 'T00' : 'F02',
    `Exchange rate error: ${failure}`
  )
}

export function destinationAsset({ destination }: Pick<PacketInHand, 'destination'>): Asset {
  return destination!.kind === 'account' ? destination!.target.asset : destination!.peer.asset
}
