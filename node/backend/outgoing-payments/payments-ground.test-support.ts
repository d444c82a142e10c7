import type { Ratio } from '../../ilp/index.ts'
import { AccountCode, createLedgerWriter, createMemoryLedger } from '../../ledger/index.ts'
import { createManualClock, createSystemRandom } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Fee } from '../fees/model.ts'
import { createLiquidity } from '../liquidity/service.ts'
import type { Peer } from '../peers/model.ts'
import { createTestBackend, OPERATOR_ID } from '../testing.ts'
import type { WalletAddress } from '../wallet-addresses/model.ts'
import { createRemoteNode, REMOTE_ADDRESS } from './remote-node.test-support.ts'

export const TENANT_ID = OPERATOR_ID

/** What outlives every process of the node: its database and ledger, two assets, two wallet addresses, one peer. */
export type PaymentsGround = Awaited<ReturnType<typeof createPaymentsGround>>

export async function createPaymentsGround(adminUrl: string, environment: Record<string, string>) {
  const test = await createTestBackend(adminUrl, environment)
  const { database, logger, config } = test
  const clock = createManualClock()
  const random = createSystemRandom(clock)
  const at = new Date(clock.nowMs())
  const asset = (code: string, ledgerNumber: number): Asset => ({
    id: random.uuid(),
    tenantId: TENANT_ID,
    code,
    scale: 2,
    ledger: ledgerNumber,
    createdAt: at
  })
  const usd = asset('USD', 1)
  const eur = asset('EUR', 2)
  const walletAddress = (name: string, of: Asset): WalletAddress => ({
    id: random.uuid(),
    tenantId: TENANT_ID,
    address: `https://acacia.example/${name}`,
    asset: of,
    isActive: true,
    createdAt: at
  })
  const payer = walletAddress('alice', usd)
  const payee = walletAddress('carol', eur)
  const times = { createdAt: at, updatedAt: at }
  await database.knex('tenants').insert({ id: TENANT_ID, apiSecret: 'secret', ...times })
  for (const { id, tenantId, code, scale, ledger: number } of [usd, eur]) {
    await database.knex('assets').insert({ id, tenantId, code, scale, ledger: number, ...times })
  }
  for (const { id, tenantId, address, asset: of } of [payer, payee]) {
    await database.knex('walletAddresses').insert({ id, tenantId, address, assetId: of.id, ...times })
  }

  const ledger = createMemoryLedger({ clock })
  const sharedWriter = createLedgerWriter({ ledger, clock, logger })
  const assets = { find: async (id: string) => [usd, eur].find((one) => one.id === id) }
  const liquidity = createLiquidity({ database, clock, random, logger, ledger, writer: sharedWriter, assets })
  await liquidity.ensureAssetAccounts(usd)
  await liquidity.ensureAssetAccounts(eur)
  const filled = { id: random.uuid(), accountId: eur.id, asset: eur, amount: 10n ** 12n }
  await liquidity.deposit(filled)
  const peer: Peer = {
    id: random.uuid(),
    tenantId: TENANT_ID,
    asset: eur,
    staticIlpAddress: REMOTE_ADDRESS,
    routes: [REMOTE_ADDRESS],
    http: { outgoing: { endpoint: 'http://baobab.example', authToken: 'token' } },
    createdAt: at
  }
  await liquidity.ensureAccount({ id: peer.id, asset: eur, code: AccountCode.LIQUIDITY_PEER })
  const remote = createRemoteNode(test, eur)
  const fee: { current: Fee | undefined } = { current: undefined }

  const ratioOf = (source: string, destination: string): Ratio =>
    source === destination
      ? { numerator: 1n, denominator: 1n }
      : source === 'USD'
        ? { numerator: 91n, denominator: 100n }
        : { numerator: 100n, denominator: 91n }
  const rates = {
    ratio: async (_tenant: string, source: { code: string }, destination: { code: string }) =>
      ratioOf(source.code, destination.code),
    cachedRatio: (_tenant: string, source: { code: string }, destination: { code: string }) =>
      ratioOf(source.code, destination.code)
  }
  const tenant = {
    id: TENANT_ID,
    apiSecret: 'secret',
    createdAt: at,
    isOperator: true,
    ownSettings: [],
    settings: {
      webhookUrl: config.WEBHOOK_URL,
      webhookTimeoutMs: 1,
      webhookMaxRetry: 1,
      ilpAddress: config.ILP_ADDRESS
    }
  }
  const tenants = { get: () => tenant, operator: tenant }
  const walletAddresses = {
    get: async (id: string, tenantId?: string) =>
      [payer, payee].find((one) => one.id === id && (tenantId ?? TENANT_ID) === one.tenantId),
    byUrl: async (url: string) => [payer, payee].find(({ address }) => address === url)
  }

  return {
    test,
    clock,
    random,
    ledger,
    sharedWriter,
    liquidity,
    assets,
    tenants,
    walletAddresses,
    peer,
    remote,
    fee,
    rates,
    usd,
    eur,
    payer,
    payee
  }
}
