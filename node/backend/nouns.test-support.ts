import { createLedgerWriter, createMemoryLedger } from '../ledger/index.ts'
import type { AuditableLedger, LedgerWriter, NewTransfer } from '../ledger/index.ts'
import type { Database } from '../runtime/index.ts'
import { createAssetDirectory } from './assets/directory.ts'
import type { Asset } from './assets/model.ts'
import { createAssets } from './assets/service.ts'
import { createFees } from './fees/service.ts'
import { createLiquidity } from './liquidity/service.ts'
import { isFailure } from './model.ts'
import type { Failure } from './model.ts'
import { createPeerDirectory } from './peers/directory.ts'
import { createPeers } from './peers/service.ts'
import { createTenantDirectory } from './tenants/directory.ts'
import { createTestBackend, OPERATOR_ID } from './testing.ts'
import type { TestBackend } from './testing.ts'
import { createWalletAddresses } from './wallet-addresses/service.ts'

/** A tenant beside the operator. */
export const OTHER_TENANT = '01900000-0000-7000-8000-000000000002'

/** The nouns of one process, on a ledger that all processes of the test share. */
function createProcess(
  backend: TestBackend,
  database: Database,
  ledger: AuditableLedger,
  writer: LedgerWriter
) {
  const base = { ...backend, database }
  const tenants = createTenantDirectory(base)
  const directory = createAssetDirectory(base)
  const liquidity = createLiquidity({ ...base, ledger, writer, assets: directory })
  const assets = createAssets({ ...base, directory, liquidity })
  const peerDirectory = createPeerDirectory({ ...base, assets: directory })
  const peers = createPeers({ ...base, directory: peerDirectory, assets: directory, liquidity })
  const walletAddresses = createWalletAddresses({ ...base, assets: directory, tenants })
  const fees = createFees({ ...base, assets: directory })
  return { tenants, directory, liquidity, assets, peerDirectory, peers, walletAddresses, fees }
}

/** The result of a call that must not fail. */
export function good<T>(result: T | Failure): T {
  if (isFailure(result)) throw new Error(`${result.failure}: ${result.message}`)
  return result
}

/** What a submission meets on its way: it may let it pass to the ledger first, and then fail. */
export type Interference = (transfers: readonly NewTransfer[], pass: () => Promise<unknown>) => Promise<void>

/** The nouns of two processes on one database and one ledger. For tests only. */
export interface TestNouns {
  backend: TestBackend
  ledger: AuditableLedger
  one: ReturnType<typeof createProcess>
  two: ReturnType<typeof createProcess>
  /** The next submission to the ledger, of either process, meets this. */
  interfere(interference: Interference): void
  /** Texts that no other test has. */
  unique(text: string): string
  createAsset(code?: string, scale?: number): Promise<Asset>
  peerInput(asset: Asset, extra?: object): ReturnType<typeof peerInputOf>
  close(): Promise<void>
}

/** @param openLedger another ledger than the one in memory */
export async function createTestNouns(
  adminUrl: string,
  openLedger: (backend: TestBackend) => Promise<AuditableLedger> = async (backend) =>
    createMemoryLedger(backend)
): Promise<TestNouns> {
  const backend = await createTestBackend(adminUrl)
  const ledger = await openLedger(backend)
  const inner = createLedgerWriter({ ...backend, ledger })
  let next: Interference | undefined
  const writer: LedgerWriter = {
    ...inner,
    async submit(transfers, options) {
      const meet = next
      next = undefined
      await meet?.(transfers, () => inner.submit(transfers, options))
      return inner.submit(transfers, options)
    }
  }
  const one = createProcess(backend, backend.database, ledger, writer)
  const two = createProcess(backend, backend.openDatabase(), ledger, writer)
  for (const part of [one, two]) {
    await part.tenants.start()
    await part.directory.start()
    await part.peerDirectory.start()
    await part.walletAddresses.start()
  }
  const now = new Date(backend.clock.nowMs())
  await backend.database
    .knex('tenants')
    .insert({ id: OTHER_TENANT, apiSecret: 'x', createdAt: now, updatedAt: now })
  await one.tenants.refresh(OTHER_TENANT)
  let number = 0
  const unique = (text: string) => `${text}${++number}`

  return {
    backend,
    ledger,
    one,
    two,
    interfere: (interference) => void (next = interference),
    unique,
    createAsset: async (code = unique('A'), scale = 2) =>
      good(await one.assets.create({ tenantId: OPERATOR_ID, code, scale })),
    peerInput: (asset, extra = {}) => peerInputOf(asset, unique, extra),
    async close() {
      for (const part of [one, two]) {
        await part.walletAddresses.stop()
        await part.peerDirectory.stop()
        await part.directory.stop()
        await part.tenants.stop()
      }
      await backend.close()
    }
  }
}

function peerInputOf(asset: Asset, unique: TestNouns['unique'], extra: object) {
  return {
    tenantId: OPERATOR_ID,
    assetId: asset.id,
    staticIlpAddress: unique('test.peer'),
    http: {
      incoming: { authTokens: [unique('token')] },
      outgoing: { endpoint: 'http://peer.test/ilp', authToken: 'out' }
    },
    ...extra
  }
}
