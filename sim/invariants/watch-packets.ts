import type { Fault } from '../faults/model.ts'
import type { Network } from '../networks/network.ts'
import type { NetworkControls } from '../scenarios/lab-network.ts'
import type { PropertyViolation } from '../scenarios/scenario.ts'
import type { WireCounts, WireEvent } from '../wire/model.ts'
import { recordVirtualWire } from '../wire/virtual.ts'
import type { VirtualWorld } from '../worlds/virtual/index.ts'
import { bookedNodeOf, feedLedgers } from './ledger-feed.ts'
import { createPacketLaw } from './packets.ts'
import type { PacketLaw } from './packets.ts'

/** The packets of a network in the virtual world, from when its provisioning is done. */
export interface PacketWatch {
  /** Begins to hold packets to the ledgers, and tells of transfers of peers' accounts as well. */
  begin(network: Pick<Network, 'nodes' | 'plan'>, onBooked?: PacketLaw['booked']): void
  /** Rejects at the first violation. */
  violated: Promise<never>
  /** The same controls, which tell of crashes and faults. */
  controls(controls: NetworkControls): NetworkControls
  /**
   * Nothing is in flight any more.
   *
   * @throws PropertyViolation
   */
  settle(options: { faultless: boolean }): void
  counts(): WireCounts
  orphans(): ReturnType<PacketLaw['orphans']>
}

/**
 * Records what goes over the wire and holds it to the rules of money for packets (`packets.ts`). Call it before the
 * network comes up: connections that are open already are not heard.
 *
 *
 * @param onWire hears what goes over the wire as well, from `begin` on
 */
export function watchPackets(
  world: VirtualWorld,
  onWire: (event: WireEvent) => void = () => undefined
): PacketWatch {
  let law: PacketLaw | undefined
  let first: PropertyViolation | undefined
  let links = new Map<string, number>()
  let reject!: (violation: PropertyViolation) => void
  const violated = new Promise<never>((_, fail) => (reject = fail))
  // Whoever runs the scenario hears of it; after its end nobody has to.
  violated.catch(() => undefined)

  const recorder = recordVirtualWire(world, {
    linkOf: (token) => links.get(token),
    onEvent(event) {
      if (!law) return
      law.wire(event)
      onWire(event)
    }
  })

  function struck(fault: Fault): void {
    const doubtful = (node: string, forMs: number) => law?.ledgerDoubtful(node, world.nowMs(), forMs)
    if (fault.fault === 'crash' && fault.service === 'backend') law?.crashed(fault.node, world.nowMs())
    if (fault.fault === 'connection' && fault.door === 'database')
      doubtful(fault.node, fault.then === 'reset' ? 0 : fault.then.stallMs)
    if (fault.fault === 'pause' && fault.service === 'backend') doubtful(fault.node, fault.forMs)
    if (fault.fault === 'partition') {
      const places = fault.between.filter((place) => typeof place !== 'string')
      for (const { node, part } of places) if (part === 'database') doubtful(node, fault.forMs)
    }
  }

  return {
    violated,
    begin({ nodes, plan }, onBooked) {
      links = new Map(plan.linkTokens.map(({ token, link }) => [token, link]))
      const made = createPacketLaw({
        nodes: nodes.map(bookedNodeOf),
        onViolation(violation) {
          first ??= violation
          reject(violation)
        }
      })
      law = made
      feedLedgers(world.gate!, nodes, (node, transfer) => {
        made.booked(node, transfer)
        onBooked?.(node, transfer)
      })
    },
    controls: (controls) => ({
      ...controls,
      kill(node, service) {
        if (service === 'backend') law?.crashed(node, world.nowMs())
        return controls.kill(node, service)
      },
      ...(controls.arm && {
        arm: (fault: Fault, onStrike: () => void) =>
          controls.arm!(fault, () => {
            struck(fault)
            onStrike()
          })
      })
    }),
    settle(options) {
      law?.settle(options)
      if (first) throw first
    },
    counts: () => recorder.counts(),
    orphans: () => law?.orphans() ?? []
  }
}
