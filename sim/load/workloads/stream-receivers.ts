import { createStreamReceiver } from '../../../node/ilp/index.ts'
import type { StreamCredentials } from '../../../node/ilp/index.ts'
import { planOf } from '../../networks/plan.ts'
import type { LoadContext } from './model.ts'
import { adminOf } from './network.ts'
import type { LoadedNetwork } from './network.ts'
import { assetIdOf } from './peers.ts'
import type { PacketPath } from './topologies.ts'

/** An incoming payment without an amount: it takes whatever comes. */
export interface StreamReceiver {
  accountId: string
  /** Of another STREAM connection to it each time, as the node issues them. */
  newCredentials(): StreamCredentials
}

/** Creates incoming payments at a wallet address of the last node. */
export async function createStreamReceivers(
  { runtime: { random } }: Pick<LoadContext, 'runtime'>,
  { network }: Pick<LoadedNetwork, 'network'>,
  { last, lastAsset }: PacketPath,
  count: number
): Promise<StreamReceiver[]> {
  const admin = adminOf(network, last)
  const plan = planOf(network.plan.plans, last)
  const { createWalletAddress } = await admin.call<{
    createWalletAddress: { walletAddress: { id: string } }
  }>(CREATE_WALLET_ADDRESS, {
    input: {
      address: `${plan.urls.openPayments}/receiver`,
      assetId: assetIdOf(network.nodes, last, lastAsset)
    }
  })
  // The laboratory knows the node's STREAM secret: nobody has to ask for each connection over Open Payments.
  const issuer = createStreamReceiver({ serverSecret: plan.secrets.streamSecret, random })
  const receivers: StreamReceiver[] = []
  for (let number = 0; number < count; number++) {
    const { createIncomingPayment } = await admin.call<{
      createIncomingPayment: { payment: { id: string } }
    }>(CREATE_INCOMING_PAYMENT, { input: { walletAddressId: createWalletAddress.walletAddress.id } })
    const accountId = createIncomingPayment.payment.id
    receivers.push({
      accountId,
      newCredentials() {
        const { ilpAddress: destination, sharedSecret } = issuer.createCredentials({
          serverAddress: plan.node.ilpAddress,
          paymentTag: accountId,
          asset: lastAsset
        })
        return { destination, sharedSecret }
      }
    })
  }
  return receivers
}

const CREATE_WALLET_ADDRESS = `mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
  createWalletAddress(input: $input) { walletAddress { id } } }`
const CREATE_INCOMING_PAYMENT = `mutation CreateIncomingPayment($input: CreateIncomingPaymentInput!) {
  createIncomingPayment(input: $input) { payment { id } } }`
