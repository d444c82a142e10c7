import { createLiquidityAccounts } from '../../node/backend/packet-switch.ts'
import type { Asset } from '../../node/backend/packet-switch.ts'
import { AccountCode, TransferCode, createMemoryLedger } from '../../node/ledger/index.ts'
import type { AuditableLedger } from '../../node/ledger/index.ts'
import { uuidToId } from '../../node/runtime/index.ts'
import type { Random } from '../../node/runtime/index.ts'
import type { AssetName, Party } from './history.ts'
import type { AccountNote, Recorder } from './recorder.ts'
import type { PacketWorld } from './world.ts'

/** A node's assets and accounts, on a ledger in memory that outlives its process, and what its operator books. */
export function createPacketBooks(options: {
  world: PacketWorld
  recorder: Recorder
  name: Party
  ids: Random
  tenantId: string
  /** Of each asset. */
  liquidity: bigint
}) {
  const { world, recorder, name, ids, tenantId, liquidity } = options
  const clock = { nowMs: () => world.scheduler.nowMs() }
  const ledger: AuditableLedger = createMemoryLedger({ clock })
  const assets = new Map<AssetName, Asset>()
  const accounts = new Map<bigint, AccountNote>()

  async function addAsset(assetName: AssetName): Promise<Asset> {
    const known = assets.get(assetName)
    if (known) return known
    const [code, scale] = assetName.split('/') as [string, string]
    const asset: Asset = {
      id: ids.orderedUuid(),
      tenantId,
      code,
      scale: Number(scale),
      ledger: assets.size + 1,
      createdAt: new Date(clock.nowMs())
    }
    assets.set(assetName, asset)
    await createLiquidityAccounts({ ledger }).ensureAssetAccounts(asset)
    accounts.set(BigInt(asset.ledger), {
      kind: 'settlement',
      asset: assetName,
      name: `settlement of ${assetName}`
    })
    accounts.set(uuidToId(asset.id), { kind: 'asset', asset: assetName, name: `liquidity of ${assetName}` })
    recorder.liquidityIds.set(`${name} ${assetName}`, uuidToId(asset.id))
    await settle(uuidToId(asset.id), 'deposit', liquidity)
    return asset
  }

  async function addAccount(
    id: string,
    assetName: AssetName,
    kind: AccountNote['kind'],
    label: string
  ): Promise<void> {
    const code = {
      peer: AccountCode.LIQUIDITY_PEER,
      target: AccountCode.LIQUIDITY_INCOMING,
      customer: AccountCode.LIQUIDITY_OUTGOING,
      asset: AccountCode.LIQUIDITY_ASSET,
      settlement: AccountCode.SETTLEMENT
    }[kind]
    await createLiquidityAccounts({ ledger }).ensureAccount({ id, asset: assets.get(assetName)!, code })
    accounts.set(uuidToId(id), { kind, asset: assetName, name: label })
  }

  /** Books a deposit, or as much of a withdrawal as is there. */
  async function settle(accountId: bigint, way: 'deposit' | 'withdraw', amount: bigint): Promise<boolean> {
    if (amount === 0n) return true
    const settlementId = BigInt(assets.get(accounts.get(accountId)!.asset)!.ledger)
    const [result] = await ledger.createTransfers([
      {
        id: ids.orderedId(),
        debitAccountId: way === 'deposit' ? settlementId : accountId,
        creditAccountId: way === 'deposit' ? accountId : settlementId,
        amount,
        ledger: Number(settlementId),
        code: way === 'deposit' ? TransferCode.DEPOSIT : TransferCode.WITHDRAWAL
      }
    ])
    if (result === 'ok') return true
    if (result === 'exceeds_credits' && way === 'withdraw') return false
    throw new Error(`${name} could not book a ${way}: ${result}`)
  }

  /** The ledger as a whole, after each commit: zero-sum, and no account beyond its limit, whatever its record says. */
  function audit(): void {
    void ledger.totals().then((all) => {
      for (const { ledger: number, debitsPosted, creditsPosted, debitsPending, creditsPending } of all) {
        if (debitsPosted !== creditsPosted || debitsPending !== creditsPending)
          recorder.violate('the ledger is zero-sum', `ledger ${number} of ${name} is not`)
      }
    })
    void ledger.lookupAccounts([...accounts.keys()]).then((all) => {
      for (const account of all) {
        if (!account) continue
        const note = accounts.get(account.id)!
        const isOverdrawn =
          note.kind !== 'settlement' && account.debitsPosted + account.debitsPending > account.creditsPosted
        if (isOverdrawn) recorder.violate('no account is overdrawn', `${note.name} of ${name} is`)
      }
    })
  }

  return {
    ledger,
    addAsset,
    addAccount,
    settle,
    audit,
    account: (id: bigint) => accounts.get(id),
    asset: (assetName: AssetName) => assets.get(assetName)
  }
}
