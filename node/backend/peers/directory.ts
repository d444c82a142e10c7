import type { Clock, Database, Logger } from '../../runtime/index.ts'
import type { RunningAssetDirectory } from '../assets/directory.ts'
import { createChangeFeed } from '../change-feed.ts'
import { Channel } from '../model.ts'
import type { Peer, PeerDirectory } from './model.ts'
import { createRoutingTable } from './routing-table.ts'
import { toPeer } from './store.ts'
import type { PeerRow } from './store.ts'

interface Entry {
  peer: Peer
  row: PeerRow
  tokens: string[]
}

/** The directory with its life. */
export interface RunningPeerDirectory extends PeerDirectory {
  all(): Peer[]
  refresh(id: string): Promise<void>
  /** Calls back after every change of a peer, its end included. */
  onChange(listener: (peerId: string) => void): void
  start(): Promise<void>
  stop(): Promise<void>
}

/** All peers in process. Start the assets' directory first: peers embed their asset. */
export function createPeerDirectory({
  database,
  clock,
  logger,
  assets
}: {
  database: Database
  clock: Clock
  logger: Logger
  assets: RunningAssetDirectory
}): RunningPeerDirectory {
  const entries = new Map<string, Entry>()
  const byToken = new Map<string, string>()
  const routes = createRoutingTable()
  const listeners = new Set<(peerId: string) => void>()

  const feed = createChangeFeed({
    database,
    clock,
    logger,
    channel: Channel.PEER_CHANGED,
    async loadAll() {
      const found = await readEntries()
      const ids = new Set(found.map((entry) => entry.peer.id))
      const gone = [...entries.keys()].filter((id) => !ids.has(id))
      gone.forEach(remove)
      found.forEach(put)
      for (const id of [...gone, ...ids]) tell(id)
    },
    async loadOne(id) {
      const [entry] = await readEntries(id)
      if (entry) put(entry)
      else remove(id)
      tell(id)
    }
  })

  function tell(id: string): void {
    for (const listener of listeners) listener(id)
  }

  assets.onChange((assetId) => {
    const asset = assets.get(assetId)
    if (asset === undefined) return
    for (const entry of [...entries.values()]) {
      if (entry.row.assetId !== assetId) continue
      put({ ...entry, peer: toPeer(entry.row, asset) })
      tell(entry.peer.id)
    }
  })

  async function readEntries(id?: string): Promise<Entry[]> {
    const { rows } = await database.knex.raw<{ rows: (PeerRow & { tokens: string[] })[] }>(
      `SELECT p.*, array(SELECT token FROM "httpTokens" WHERE "peerId" = p.id ORDER BY token) AS tokens
       FROM peers p WHERE ?::uuid IS NULL OR p.id = ?::uuid`,
      [id ?? null, id ?? null]
    )
    const found: Entry[] = []
    for (const row of rows) {
      const asset = await assets.find(row.assetId)
      if (asset === undefined) throw new Error(`peer ${row.id} has the unknown asset ${row.assetId}`)
      found.push({ row, peer: toPeer(row, asset), tokens: row.tokens })
    }
    return found
  }

  function put(entry: Entry): void {
    remove(entry.peer.id)
    entries.set(entry.peer.id, entry)
    for (const token of entry.tokens) byToken.set(token, entry.peer.id)
    routes.add(entry.peer)
  }

  function remove(id: string): void {
    const entry = entries.get(id)
    if (entry === undefined) return
    entries.delete(id)
    // A token may have moved on to another peer that was read before this one.
    for (const token of entry.tokens) if (byToken.get(token) === id) byToken.delete(token)
    routes.remove(entry.peer)
  }

  return {
    get: (id) => entries.get(id)?.peer,
    byIncomingToken(token) {
      const id = byToken.get(token)
      return id === undefined ? undefined : entries.get(id)?.peer
    },
    nextHop: (tenantId, destination, options) => routes.lookup(tenantId, destination, options?.exceptPeerId),
    all: () => [...entries.values()].map((entry) => entry.peer),
    refresh: feed.refresh,
    onChange: (listener) => void listeners.add(listener),
    start: feed.start,
    stop: feed.stop
  }
}
