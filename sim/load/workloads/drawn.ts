import type { DrawnTopology, LoadTopology } from '../engine/model.ts'
import type { PacketPath } from './topologies.ts'

/** The path of packets as the report draws it. */
export function drawPath(
  name: LoadTopology,
  { topology, senders, end, firstAsset, lastAsset }: PacketPath,
  transport: string,
  processes: number
): DrawnTopology {
  const nodes: DrawnTopology['nodes'] = []
  const links: DrawnTopology['links'] = []
  const first = topology.nodes[0]!.name
  for (let number = 1; number <= senders; number++) {
    const sender = senders === 1 ? 'sender' : `sender ${number}`
    nodes.push({ name: sender, role: 'generator', detail: 'the generator, as a peer', column: 0 })
    links.push({ from: sender, to: first, detail: `${transport}, ${firstAsset.code}` })
  }
  for (const [index, { name: node, assets }] of topology.nodes.entries()) {
    const codes = assets.map(({ code }) => code).join(' → ')
    nodes.push({
      name: node,
      role: 'node',
      detail: index === 0 && processes > 1 ? `${codes}, ${processes} processes` : codes,
      column: index + 1
    })
    const link = topology.links[index]
    if (link)
      links.push({
        from: node,
        to: topology.nodes[index + 1]!.name,
        detail: `${transport}, ${link.asset.code}`
      })
  }
  const last = topology.nodes.at(-1)!.name
  const column = topology.nodes.length + 1
  const detail = {
    fulfil: 'fulfils everything',
    reject: 'rejects everything',
    account: 'an incoming payment'
  }[end]
  const receiver = end === 'account' ? 'account' : 'receiver'
  nodes.push({ name: receiver, role: 'peer', detail, column })
  links.push({
    from: last,
    to: receiver,
    detail: end === 'account' ? 'credited' : `${transport}, ${lastAsset.code}`
  })
  return { name, nodes, links }
}
