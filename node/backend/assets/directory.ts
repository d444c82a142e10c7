import type { Clock, Database, Logger } from '../../runtime/index.ts'
import { createChangeFeed } from '../change-feed.ts'
import { Channel } from '../model.ts'
import type { Asset, AssetDirectory } from './model.ts'
import { toAsset } from './store.ts'
import type { AssetRow } from './store.ts'

/** The directory with its life. */
export interface RunningAssetDirectory extends AssetDirectory {
  /** Every asset, deleted ones too: what rests in the ledger stays theirs. */
  all(): Asset[]
  /** The asset, read from the database where this process has not heard of it yet. */
  find(id: string): Promise<Asset | undefined>
  refresh(id: string): Promise<void>
  /** Calls back after every change, so that what embeds an asset can follow. */
  onChange(listener: (assetId: string) => void): void
  start(): Promise<void>
  stop(): Promise<void>
}

export function createAssetDirectory({
  database,
  clock,
  logger
}: {
  database: Database
  clock: Clock
  logger: Logger
}): RunningAssetDirectory {
  let assets = new Map<string, Asset>()
  let live = new Map<string, Asset>()
  const listeners = new Set<(assetId: string) => void>()

  const feed = createChangeFeed({
    database,
    clock,
    logger,
    channel: Channel.ASSET_CHANGED,
    async loadAll() {
      const rows = await database.knex<AssetRow>('assets').select('*')
      replace(rows.map(toAsset))
    },
    async loadOne(id) {
      const row = await database.knex<AssetRow>('assets').where({ id }).first()
      const others = [...assets.values()].filter((asset) => asset.id !== id)
      replace(row ? [...others, toAsset(row)] : others, id)
    }
  })

  function replace(next: Asset[], changedId?: string): void {
    assets = new Map(next.map((asset) => [asset.id, asset]))
    live = new Map(next.filter((asset) => !asset.deletedAt).map((asset) => [keyOf(asset), asset]))
    const changed = changedId === undefined ? assets.keys() : [changedId]
    for (const id of changed) for (const listener of listeners) listener(id)
  }

  return {
    get: (id) => assets.get(id),
    byCodeAndScale: (tenantId, code, scale) => live.get(keyOf({ tenantId, code, scale })),
    all: () => [...assets.values()],
    async find(id) {
      if (!assets.has(id)) await feed.refresh(id)
      return assets.get(id)
    },
    refresh: feed.refresh,
    onChange: (listener) => void listeners.add(listener),
    start: feed.start,
    stop: feed.stop
  }
}

function keyOf({ tenantId, code, scale }: Pick<Asset, 'tenantId' | 'code' | 'scale'>): string {
  return JSON.stringify([tenantId, code, scale])
}
