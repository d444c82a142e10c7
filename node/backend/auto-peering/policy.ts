import { MAX_PACKET_AMOUNT } from '../../ilp/index.ts'

/** Who may peer by itself: nobody, who is on the list, or whom the operator approves. */
export type AutoPeeringMode = 'off' | 'allow-list' | 'approve'

/** The operator's conditions for those who ask (docs/compatibility.md, Auto-peering). */
export interface AutoPeeringPolicy {
  mode: AutoPeeringMode
  /** Host names, in lower case. */
  allowedHosts: readonly string[]
  /** Credit granted once to each host of the list, in minor units, by `CODE/SCALE`; undefined: every asset, no credit. */
  assets: ReadonlyMap<string, bigint> | undefined
}

const HOST = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$|^\[[0-9a-f:.]+\]$/
const ASSET = /^([^\s/:,]{1,255})\/(\d{1,3})(?::(\d{1,20}))?$/

/** `a.example, b.example` as host names; undefined for what is no such list. */
export function parseHosts(text: string): string[] | undefined {
  const hosts = itemsOf(text.toLowerCase())
  return hosts.every((host) => HOST.test(host)) ? hosts : undefined
}

/** `USD/2:100000, EUR/2` as credits by asset; undefined for what is no such list. */
export function parseAssets(text: string): Map<string, bigint> | undefined {
  const assets = new Map<string, bigint>()
  for (const item of itemsOf(text)) {
    const [, code, scale, credit = '0'] = ASSET.exec(item) ?? []
    if (code === undefined || Number(scale) > 255 || BigInt(credit) > MAX_PACKET_AMOUNT) return undefined
    const key = assetKey({ code, scale: Number(scale) })
    if (assets.has(key)) return undefined
    assets.set(key, BigInt(credit))
  }
  return assets
}

function itemsOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Whether peers may be made in this asset. */
export function admitsAsset({ assets }: AutoPeeringPolicy, asset: { code: string; scale: number }): boolean {
  return assets === undefined || assets.has(assetKey(asset))
}

/** What a peer from the list may send before it settles, in minor units. */
export function creditOf({ assets }: AutoPeeringPolicy, asset: { code: string; scale: number }): bigint {
  return assets?.get(assetKey(asset)) ?? 0n
}

function assetKey({ code, scale }: { code: string; scale: number }): string {
  return `${code}/${scale}`
}
