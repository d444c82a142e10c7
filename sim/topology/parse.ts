import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { formatAmount, parseAmount } from './amount.ts'
import { assetName, LINK_TRANSPORTS, sameAsset, SERVICE_PORTS } from './model.ts'
import type { AssetId, Topology, TopologyNode } from './model.ts'

/** A topology that describes no network: one line naming the file, the place and the remedy. */
export class TopologyError extends Error {
  override name = 'TopologyError'
  constructor(file: string, place: string, problem: string) {
    super(`${file}: ${place === '' ? '' : `${place}: `}${problem}`)
  }
}

/** ILP amounts are unsigned 64-bit integers (RFC 27). */
const MAX_AMOUNT = 2n ** 64n - 1n
const NAME = /^[a-z][a-z0-9-]{0,30}$/
const name = z
  .string()
  .regex(NAME, 'a name of lower-case letters, digits and hyphens is needed, such as "acacia"')
const asset = z.string().regex(/^[A-Z]{1,12}\/\d{1,3}$/, 'an asset as CODE/SCALE is needed, such as "USD/2"')
const amount = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'an amount of at least 0 in asset units is needed, such as "100.00"')
const decimal = z
  .string()
  .regex(/^(?=.*[1-9])\d+(\.\d+)?$/, 'a positive decimal in quotes is needed, such as "0.91"')
const account = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]*@[a-z][a-z0-9-]*$/,
    'a wallet address as NAME@NODE is needed, such as "alice@acacia"'
  )

const schema = z.strictObject({
  $schema: z.string().optional(),
  name,
  nodes: z
    .array(
      z.strictObject({
        name,
        ilpAddress: z
          .string()
          .regex(
            /^test(\.[A-Za-z0-9_~-]+)+$/,
            'an ILP address below "test." is needed, such as "test.acacia"'
          )
          .optional(),
        assets: z
          .array(
            z.strictObject({
              asset,
              liquidity: amount.default('0'),
              sendingFee: z
                .strictObject({
                  fixed: amount.default('0'),
                  basisPoints: z.int().min(0).max(10_000).default(0)
                })
                .optional()
            })
          )
          .min(1, 'at least one asset is needed'),
        walletAddresses: z
          .array(
            z.strictObject({
              name,
              asset,
              publicName: z.string().min(1).optional(),
              balance: amount.default('0')
            })
          )
          .default([]),
        rates: z.record(z.string(), z.record(z.string(), decimal)).default({}),
        slippage: z
          .string()
          .regex(/^0(\.\d{1,9})?$/, 'a decimal of at least 0 and below 1 is needed, such as "0.01"')
          .default('0.01'),
        ports: z.partialRecord(z.enum(SERVICE_PORTS), z.int().min(1).max(65535)).default({})
      })
    )
    .min(1, 'at least one node is needed'),
  links: z
    .array(
      z.strictObject({
        between: z.tuple([z.string(), z.string()], { error: 'the names of two nodes are needed' }),
        asset,
        liquidity: amount,
        maxPacketAmount: amount.optional(),
        transport: z
          .enum(LINK_TRANSPORTS, {
            error: `one of ${LINK_TRANSPORTS.map((name) => `"${name}"`).join(', ')} is needed`
          })
          .default('http')
      })
    )
    .default([]),
  payments: z
    .array(
      z.strictObject({ from: account, to: account, send: amount.optional(), receive: amount.optional() })
    )
    .default([])
})

type Document = z.output<typeof schema>

/**
 * Reads a topology file.
 *
 * @throws TopologyError with one line: file, place, remedy
 */
export function readTopology(file: string): Topology {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new TopologyError(
      file,
      '',
      `cannot be read (${(error as NodeJS.ErrnoException).code}); give the path of a topology file, such as fixtures/topologies/pair.json`
    )
  }
  return parseTopology(text, file)
}

/**
 * A topology from its JSON text; `file` names it in errors.
 *
 * @throws TopologyError with one line: file, place, remedy
 */
export function parseTopology(text: string, file: string): Topology {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new TopologyError(
      file,
      '',
      `is not JSON (${(error as Error).message.replaceAll(/\s+/g, ' ')}); mend it there`
    )
  }
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw new TopologyError(file, placeOf(issue.path, json), remedyOf(issue))
  }
  return build(parsed.data, file)
}

/** `nodes[1] ("baobab").assets[0].asset`: the path in the file, with the names that stand there. */
function placeOf(path: readonly PropertyKey[], json: unknown): string {
  let place = ''
  let value = json
  for (const part of path) {
    value = (value as Record<PropertyKey, unknown> | undefined)?.[part]
    if (typeof part !== 'number') {
      place += place === '' ? String(part) : `.${String(part)}`
      continue
    }
    place += `[${part}]`
    const named = (value as { name?: unknown } | undefined)?.name
    if (typeof named === 'string') place += ` ("${named}")`
  }
  return place
}

function remedyOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown field ${issue.keys.map((key) => `"${key}"`).join(', ')}; remove it, or see fixtures/topologies/README.md for the fields there are`
  }
  if (issue.code === 'invalid_type') return `${issue.message}; see fixtures/topologies/README.md`
  return issue.message
}

/** Checks what a schema cannot say: names that must exist or be unique, decimals that an asset must hold. */
function build(document: Document, file: string): Topology {
  const fail = (place: string, problem: string): never => {
    throw new TopologyError(file, place, problem)
  }
  const minorUnits = (text: string, { code, scale }: AssetId, place: string): bigint => {
    const value =
      parseAmount(text, scale) ??
      fail(place, `"${text}" has more decimals than ${code}/${scale}; use at most ${scale}`)
    return value <= MAX_AMOUNT
      ? value
      : fail(
          place,
          `"${text}" is above ${formatAmount(MAX_AMOUNT, scale)}, the most that 64 bits hold; use less`
        )
  }
  const positive = (text: string, asset: AssetId, place: string): bigint =>
    minorUnits(text, asset, place) || fail(place, `"${text}" is nothing; use an amount above 0`)

  const nodes: TopologyNode[] = []
  for (const [index, node] of document.nodes.entries()) {
    const place = `nodes[${index}] ("${node.name}")`
    if (nodes.some((other) => other.name === node.name))
      fail(place, `duplicate name "${node.name}"; name each node differently`)
    const ilpAddress = node.ilpAddress ?? `test.${node.name}`
    if (nodes.some((other) => other.ilpAddress === ilpAddress)) {
      fail(place, `duplicate ILP address "${ilpAddress}"; give each node an address of its own`)
    }
    const assets: TopologyNode['assets'] = []
    for (const [at, entry] of node.assets.entries()) {
      const id = parseAsset(entry.asset)
      const where = `${place}.assets[${at}]`
      if (id.scale > 255) fail(where, `scale ${id.scale} is above 255`)
      if (assets.some((other) => sameAsset(other, id)))
        fail(where, `duplicate asset "${entry.asset}"; list it once`)
      assets.push({
        ...id,
        liquidity: minorUnits(entry.liquidity, id, `${where}.liquidity`),
        ...(entry.sendingFee && {
          sendingFee: {
            fixed: minorUnits(entry.sendingFee.fixed, id, `${where}.sendingFee.fixed`),
            basisPoints: entry.sendingFee.basisPoints
          }
        })
      })
    }
    const walletAddresses: TopologyNode['walletAddresses'] = []
    for (const [at, entry] of node.walletAddresses.entries()) {
      const where = `${place}.walletAddresses[${at}] ("${entry.name}")`
      const id = parseAsset(entry.asset)
      if (walletAddresses.some((other) => other.name === entry.name)) {
        fail(where, `duplicate name "${entry.name}"; name each wallet address of a node differently`)
      }
      requireAsset(assets, id, `${where}.asset`, node.name)
      walletAddresses.push({
        name: entry.name,
        asset: id,
        publicName: entry.publicName ?? entry.name,
        balance: minorUnits(entry.balance, id, `${where}.balance`)
      })
    }
    nodes.push({
      name: node.name,
      ilpAddress,
      assets,
      walletAddresses,
      rates: node.rates,
      slippage: node.slippage,
      ports: node.ports
    })
  }

  function requireAsset(assets: readonly AssetId[], id: AssetId, place: string, nodeName: string): void {
    if (assets.some((other) => sameAsset(other, id))) return
    fail(
      place,
      `node "${nodeName}" has no asset ${assetName(id)}; add it to the node's assets, or use one of ${assets.map(assetName).join(', ')}`
    )
  }
  function requireNode(nodeName: string, place: string): TopologyNode {
    return (
      nodes.find((node) => node.name === nodeName) ??
      fail(place, `unknown node "${nodeName}"; use one of ${nodes.map((node) => node.name).join(', ')}`)
    )
  }

  const links = document.links.map((link, index) => {
    const place = `links[${index}]`
    const id = parseAsset(link.asset)
    for (const [at, nodeName] of link.between.entries()) {
      requireAsset(requireNode(nodeName, `${place}.between[${at}]`).assets, id, `${place}.asset`, nodeName)
    }
    if (link.between[0] === link.between[1])
      fail(`${place}.between`, 'a node cannot peer with itself; name two nodes')
    const twin = document.links.findIndex(
      (other) =>
        link.between.every((nodeName) => other.between.includes(nodeName)) && other.asset === link.asset
    )
    if (twin < index)
      fail(place, `duplicate link between ${link.between.join(' and ')} in ${link.asset}; list it once`)
    return {
      between: link.between,
      asset: id,
      liquidity: minorUnits(link.liquidity, id, `${place}.liquidity`),
      ...(link.maxPacketAmount !== undefined && {
        maxPacketAmount: positive(link.maxPacketAmount, id, `${place}.maxPacketAmount`)
      }),
      transport: link.transport
    }
  })

  const payments = document.payments.map((payment, index) => {
    const place = `payments[${index}]`
    const end = (text: string, where: string) => {
      const [walletAddress, nodeName] = text.split('@') as [string, string]
      const node = requireNode(nodeName, where)
      const found =
        node.walletAddresses.find((entry) => entry.name === walletAddress) ??
        fail(
          where,
          `node "${nodeName}" has no wallet address "${walletAddress}"; use one of ${node.walletAddresses.map((entry) => entry.name).join(', ')}`
        )
      return { walletAddress, node: nodeName, asset: found.asset }
    }
    const from = end(payment.from, `${place}.from`)
    const to = end(payment.to, `${place}.to`)
    if ((payment.send === undefined) === (payment.receive === undefined)) {
      fail(place, 'either "send" or "receive" is needed, and only one of them')
    }
    const amount =
      payment.send !== undefined
        ? { kind: 'send' as const, value: positive(payment.send, from.asset, `${place}.send`) }
        : { kind: 'receive' as const, value: positive(payment.receive!, to.asset, `${place}.receive`) }
    return {
      from: { walletAddress: from.walletAddress, node: from.node },
      to: { walletAddress: to.walletAddress, node: to.node },
      amount
    }
  })

  return { name: document.name, nodes, links, payments }
}

function parseAsset(text: string): AssetId {
  const [code, scale] = text.split('/') as [string, string]
  return { code, scale: Number(scale) }
}
