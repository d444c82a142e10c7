import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createHttpClient, createSystemRuntime, holdProcess } from '../../node/runtime/index.ts'
import { createAdminClient } from '../actors/admin-client.ts'
import { OpenPaymentsClientError } from '@interledger/open-payments'
import { createPayingNetwork, pay } from '../networks/network.ts'
import type { Account, PayingNetwork } from '../networks/network.ts'
import { createProgress } from '../reports/progress.ts'
import { formatAmount, parseAmount } from '../topology/amount.ts'
import { liveRuns } from '../worlds/local/run-directory.ts'
import { SHARED_NETWORK_FILE } from '../worlds/local/world.ts'
import type { SharedNetwork } from '../worlds/local/world.ts'

const HELP = `npm run lab -- pay FROM TO AMOUNT [--receive] [--json]

Pays over the network that npm start keeps up, as a third party with the payer's consent.

  FROM, TO     wallet addresses as NAME@NODE, for example alice@acacia
  AMOUNT       a decimal in units of the payer's asset: what is debited, fees included
  --receive    AMOUNT is what the receiver gets, in units of the receiver's asset
  --json       one JSON object per line, the last {"event":"summary","ok":…}
`

/** `lab pay`: one payment over a running local network. */
export async function payCommand(args: string[]): Promise<number> {
  const progress = createProgress({ json: args.includes('--json') })
  const wrongUse = (message: string): number => {
    if (!args.includes('--json')) process.stderr.write(`${message}\n\n${HELP}`)
    else progress.error(message)
    progress.summary({ ok: false, error: message })
    return 2
  }
  let parsed
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        receive: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
  } catch (error) {
    return wrongUse((error as Error).message)
  }
  const { values, positionals } = parsed
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (positionals.length !== 3) return wrongUse('FROM, TO and AMOUNT are needed')
  const networks = sharedNetworks()
  const [newest] = networks
  if (!newest) return wrongUse('no network is up; start one with npm start, in another terminal')
  // Of several networks it is the newest that has both; where none has, the newest is what is told about.
  const hasBoth = (network: SharedNetwork) =>
    positionals.slice(0, 2).every((text) => typeof findAccount(network, text) !== 'string')
  const shared = networks.find(hasBoth) ?? newest
  const from = findAccount(shared, positionals[0]!)
  if (typeof from === 'string') return wrongUse(from)
  const to = findAccount(shared, positionals[1]!)
  if (typeof to === 'string') return wrongUse(to)
  const scale = (values.receive ? to : from).scale
  const value = parseAmount(positionals[2]!, scale)
  if (value === undefined || value === 0n) {
    return wrongUse(
      `"${positionals[2]}" is no amount: a positive decimal with at most ${scale} decimals is needed, such as 12.50`
    )
  }

  const runtime = createSystemRuntime({ name: 'lab-pay', logLevel: 'silent' })
  const hold = holdProcess()
  try {
    const outcome = await pay(
      payingNetwork(shared, runtime),
      {
        from: from.account,
        to: to.account,
        amount: { kind: values.receive ? 'receive' : 'send', value }
      },
      (step, detail) => progress.step(step, detail)
    )
    const show = (amount: typeof outcome.sentAmount) =>
      `${formatAmount(BigInt(amount.value), amount.assetScale)} ${amount.assetCode}`
    progress.step(
      outcome.state,
      `sent ${show(outcome.sentAmount)}, received ${show(outcome.receivedAmount)}${outcome.error ? `: ${outcome.error}` : ''}`
    )
    const ok = outcome.state === 'COMPLETED'
    progress.summary({ ok, payments: [outcome] })
    return ok ? 0 : 1
  } catch (error) {
    const message =
      error instanceof OpenPaymentsClientError
        ? `${error.message}: ${error.description}`
        : (error as Error).message
    progress.error(message)
    progress.summary({ ok: false, error: message })
    return 1
  } finally {
    hold.release()
    runtime.kill()
  }
}

/** The networks of this machine that are up and shared, newest first. */
function sharedNetworks(): SharedNetwork[] {
  return liveRuns().flatMap((run) => {
    try {
      return [JSON.parse(readFileSync(path.join(run, SHARED_NETWORK_FILE), 'utf8')) as SharedNetwork]
    } catch (error) {
      // It is not shared, still coming up, or just gone.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  })
}

function findAccount(shared: SharedNetwork, text: string): { account: Account; scale: number } | string {
  const all = shared.nodes.flatMap(({ name, walletAddresses }) =>
    walletAddresses.map((entry) => ({
      text: `${entry.name}@${name}`,
      scale: entry.scale,
      account: { walletAddress: entry.name, node: name }
    }))
  )
  return (
    all.find((entry) => entry.text === text) ??
    `unknown wallet address "${text}"; there are: ${all.map((entry) => entry.text).join(', ')}`
  )
}

function payingNetwork(
  shared: SharedNetwork,
  runtime: ReturnType<typeof createSystemRuntime>
): PayingNetwork {
  const http = createHttpClient(runtime)
  return createPayingNetwork({
    scheme: 'http',
    runtime,
    nodes: new Map(
      shared.nodes.map(({ name, urls, adminApiSecret, operatorTenantId, instanceKeySeed }) => [
        name,
        {
          urls,
          secrets: { instanceKeySeed: Buffer.from(instanceKeySeed, 'base64') },
          admin: createAdminClient(
            { http, clock: runtime.clock },
            { url: urls.admin, tenantId: operatorTenantId, secret: adminApiSecret }
          )
        }
      ])
    )
  })
}
