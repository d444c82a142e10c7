import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { createHttpClient, createSystemRuntime } from '../../node/runtime/index.ts'
import { createAdminClient } from '../actors/admin-client.ts'
import type { AdminClient } from '../actors/admin-client.ts'
import { freePorts } from '../services/free-ports.ts'
import type { AdminUiNode } from './ui-network.ts'

/**
 * A tenant whose wallet is told of everything and does nothing: its payments wait for what a test does with them. It has
 * an asset with a sending fee, another one, and a wallet address in each.
 */
export interface QuietTenant {
  readonly id: string
  readonly apiSecret: string
  readonly publicName: string
  readonly admin: AdminClient
  /** Its wallet addresses by name. */
  readonly payer: { id: string; url: string }
  readonly payee: { id: string; url: string }
  /** In the second asset, which has no liquidity. */
  readonly foreignPayee: { id: string; url: string }
  createIncomingPayment(walletAddressId: string, amount?: Amount): Promise<{ id: string; url: string }>
  /** A payment that waits for its deposit. */
  createOutgoingPayment(receiver: string, debitAmount?: Amount): Promise<string>
  deposit(outgoingPaymentId: string): Promise<void>
  /** Resolves once the wallet was told so of this payment. */
  told(type: string, paymentId: string): Promise<void>
  /** Whether its wallet refuses what it is told (503) from now on. */
  refuseWebhooks(refuses: boolean): void
  stop(): Promise<void>
}

interface Amount {
  value: string
  assetCode: string
  assetScale: number
}

/** Amounts of the tenant's first asset, in minor units: 2 decimals. */
export const usd = (value: number): Amount => ({ value: String(value), assetCode: 'USD', assetScale: 2 })

/** The operator of the node makes it. The name is its first path and must be nobody else's in the run. */
export async function openQuietTenant(
  node: AdminUiNode,
  name: string,
  settings: Partial<Record<'WEBHOOK_MAX_RETRY', string>> = {}
): Promise<QuietTenant> {
  const runtime = createSystemRuntime({ name: 'quiet tenant', logLevel: 'silent' })
  const http = createHttpClient(runtime)
  const url = node.graphqlUrl.replace(/\/graphql$/, '')
  const adminAs = (tenantId: string, secret: string) =>
    createAdminClient({ http, clock: runtime.clock }, { url, tenantId, secret })
  const wallet = await openWallet()
  const base = `${node.openPaymentsUrl}/${name}`
  const apiSecret = randomBytes(24).toString('hex')
  const operator = adminAs(node.operatorTenantId, node.adminApiSecret)
  const { createTenant } = await operator.call<{ createTenant: { tenant: { id: string } } }>(
    `mutation CreateTenant($input: CreateTenantInput!) { createTenant(input: $input) { tenant { id } } }`,
    {
      input: {
        apiSecret,
        publicName: name,
        idpConsentUrl: `${wallet.url}/consent`,
        idpSecret: randomBytes(24).toString('hex'),
        settings: [
          { key: 'WALLET_ADDRESS_URL', value: base },
          { key: 'WEBHOOK_URL', value: `${wallet.url}/webhooks` },
          { key: 'EXCHANGE_RATES_URL', value: `${wallet.url}/rates` },
          ...Object.entries(settings).map(([key, value]) => ({ key, value }))
        ]
      }
    }
  )
  const { id } = createTenant.tenant
  const admin = adminAs(id, apiSecret)
  const createAsset = async (code: string) => {
    const { createAsset } = await admin.call<{ createAsset: { asset: { id: string } } }>(
      `mutation CreateAsset($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`,
      { input: { code, scale: 2 } }
    )
    return createAsset.asset.id
  }
  const createWalletAddress = async (walletAddress: string, assetId: string) => {
    const address = `${base}/${walletAddress}`
    const { createWalletAddress } = await admin.call<{
      createWalletAddress: { walletAddress: { id: string } }
    }>(
      `mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
        createWalletAddress(input: $input) { walletAddress { id } } }`,
      { input: { address, assetId, publicName: walletAddress } }
    )
    return { id: createWalletAddress.walletAddress.id, url: address }
  }
  const usdId = await createAsset('USD')
  await admin.call(`mutation SetFee($input: SetFeeInput!) { setFee(input: $input) { fee { id } } }`, {
    input: { assetId: usdId, type: 'SENDING', fee: { fixed: '25', basisPoints: 0 } }
  })
  const payer = await createWalletAddress('payer', usdId)
  return {
    id,
    apiSecret,
    publicName: name,
    admin,
    payer,
    payee: await createWalletAddress('payee', usdId),
    foreignPayee: await createWalletAddress('foreign-payee', await createAsset('EUR')),
    async createIncomingPayment(walletAddressId, incomingAmount) {
      const { createIncomingPayment } = await admin.call<{
        createIncomingPayment: { payment: { id: string; url: string } }
      }>(
        `mutation CreateIncomingPayment($input: CreateIncomingPaymentInput!) {
          createIncomingPayment(input: $input) { payment { id url } } }`,
        { input: { walletAddressId, ...(incomingAmount && { incomingAmount }) } }
      )
      return createIncomingPayment.payment
    },
    async createOutgoingPayment(receiver, debitAmount) {
      const { createOutgoingPaymentFromIncomingPayment } = await admin.call<{
        createOutgoingPaymentFromIncomingPayment: { payment: { id: string } }
      }>(
        `mutation CreateOutgoingPayment($input: CreateOutgoingPaymentFromIncomingPaymentInput!) {
          createOutgoingPaymentFromIncomingPayment(input: $input) { payment { id } } }`,
        {
          input: {
            walletAddressId: payer.id,
            incomingPayment: receiver,
            metadata: { order: 'A-1' },
            ...(debitAmount && { debitAmount })
          }
        }
      )
      return createOutgoingPaymentFromIncomingPayment.payment.id
    },
    async deposit(outgoingPaymentId) {
      await admin.call(
        `mutation Deposit($input: DepositOutgoingPaymentLiquidityInput!) {
          depositOutgoingPaymentLiquidity(input: $input) { success } }`,
        { input: { outgoingPaymentId, idempotencyKey: randomUUID() } }
      )
    },
    told: wallet.told,
    refuseWebhooks: wallet.refuse,
    stop: wallet.stop
  }
}

/** A wallet that answers 200 to every webhook unless it refuses them, tells rates, and does nothing. */
async function openWallet() {
  let refuses = false
  const told = new Set<string>()
  const waiting = new Map<string, () => void>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.url?.startsWith('/rates')) {
        response.setHeader('content-type', 'application/json')
        const { searchParams } = new URL(request.url, 'http://wallet.invalid')
        response.end(JSON.stringify({ base: searchParams.get('base') ?? 'USD', rates: { USD: 1, EUR: 1 } }))
        return
      }
      const { type, data } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        type: string
        data: { id: string }
      }
      const key = `${type} ${data.id}`
      if (refuses) {
        response.writeHead(503).end()
        return
      }
      told.add(key)
      waiting.get(key)?.()
      response.end()
    })
  })
  const [port] = await freePorts(1)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${port}`,
    refuse: (value: boolean) => void (refuses = value),
    told: (type: string, paymentId: string) =>
      new Promise<void>((resolve) => {
        const key = `${type} ${paymentId}`
        if (told.has(key)) resolve()
        else waiting.set(key, resolve)
      }),
    stop: () => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections())
  }
}
