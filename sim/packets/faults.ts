import type { PacketFault } from './history.ts'
import type { PacketNetwork } from './network.ts'
import type { BatchFate } from './store.ts'

type FaultOf<Kind extends PacketFault['fault']> = Extract<PacketFault, { fault: Kind }>

/** Faults that have struck. */
export interface StruckFaults {
  readonly count: number
}

/** Arms the faults of a history: each strikes at its time, or at the message or batch that it counts from then on. */
export function armFaults(network: PacketNetwork, faults: readonly PacketFault[]): StruckFaults {
  const { world, recorder, nodes } = network
  const later = (delayMs: number, work: () => void) => world.scheduler.after(delayMs, work, { owner: null })
  const onMessage = new Set<FaultOf<'reset' | 'stall'> & { left: number }>()
  const onBatch = new Set<FaultOf<'crash' | 'ledger'> & { left: number }>()
  const struck = { count: 0 }

  function strike(fault: PacketFault, party: string, text: string): void {
    struck.count += 1
    recorder.note(party, `FAULT ${text}`)
    recorder.reach(`fault: ${fault.fault}`)
  }

  network.world.network.watch((socket) => {
    const [from, to] = socket.hosts
    for (const armed of onMessage) {
      const link = network.link(armed.link)
      const [sender, receiver] = armed.from === 'left' ? [link.left, link.right] : [link.right, link.left]
      if (from !== sender || to !== receiver) continue
      armed.left -= 1
      if (armed.left > 0) continue
      onMessage.delete(armed)
      strike(
        armed,
        from,
        `what it sends over ${link.name} ${armed.fault === 'reset' ? 'is lost in a reset' : 'stalls'}`
      )
      if (armed.fault === 'reset') {
        recorder.broke(link.name)
        return 'reset'
      }
      socket.stall(armed.forMs)
    }
    return 'pass'
  })

  network.fates.of = (party) => {
    for (const armed of onBatch) {
      if (network.node(armed.node).name !== party) continue
      armed.left -= 1
      if (armed.left > 0) continue
      onBatch.delete(armed)
      strike(armed, party, `at a ledger batch`)
      return fateOf(armed)
    }
    return undefined
  }

  function fateOf(fault: FaultOf<'crash' | 'ledger'>): BatchFate {
    if (fault.fault === 'ledger') return fault.then
    restartLater(fault)
    return fault.at !== 'once' && fault.at.side === 'before' ? 'killBefore' : 'killAfter'
  }

  function restartLater({ node, downMs }: FaultOf<'crash'>): void {
    const down = network.node(node)
    // Counted from the kill, which comes a little later than this.
    later(downMs + 1_000, () => void down.start())
  }

  for (const fault of faults) {
    later(fault.atMs, () => {
      switch (fault.fault) {
        case 'reset':
        case 'stall':
          return void onMessage.add({ ...fault, left: fault.nth })
        case 'ledger':
          return void onBatch.add({ ...fault, left: fault.batch })
        case 'crash': {
          if (fault.at !== 'once') return void onBatch.add({ ...fault, left: fault.at.batch })
          const node = network.node(fault.node)
          if (!node.isUp) return
          strike(fault, node.name, 'killed')
          node.kill()
          return restartLater(fault)
        }
        case 'cut': {
          const { left, right, name } = network.link(fault.link)
          strike(fault, left, `${name} is cut`)
          world.network.conditions.cut(left, right)
          return void later(fault.forMs, () => world.network.conditions.heal(left, right))
        }
        case 'clock': {
          const node = nodes[fault.node % nodes.length]!
          strike(fault, node.name, `its clock steps by ${fault.stepMs} ms`)
          return node.stepClock(fault.stepMs)
        }
      }
    })
  }
  return struck
}
