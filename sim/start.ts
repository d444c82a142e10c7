import { parseArgs } from 'node:util'
import { runDemo } from './networks/demo.ts'
import { startNetworkUis } from './admin-ui/network-uis.ts'
import type { NetworkUis } from './admin-ui/network-uis.ts'
import { createProgress } from './reports/progress.ts'
import { readTopology, TopologyError } from './topology/parse.ts'
import type { Topology } from './topology/model.ts'
import { LOCAL_LEDGERS, startLocalNetwork } from './worlds/local/world.ts'
import type { LocalLedger, LocalNetwork } from './worlds/local/world.ts'

const HELP = `npm start [-- [topology.json] [--ledger NAME] [--no-ui] [--exit] [--json]]

Brings a network of nodes up on this machine, makes the topology's payments, audits the ledgers and stays up, with an
admin UI for each node.

  topology.json   what to bring up (default: fixtures/topologies/pair.json)
  --ledger NAME   where nodes keep their books: ${LOCAL_LEDGERS.join(' or ')} (default: $LEDGER, else postgres)
  --no-ui         without the admin UIs
  --exit          take everything down after the payments, exit 0 when all completed and the audit is clean
  --json          one JSON object per line; {"event":"summary","ok":…} tells how the payments ended, with --exit
                  it is the last line
  --help          this text
`

const DEFAULT_TOPOLOGY = 'fixtures/topologies/pair.json'

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  let options
  try {
    options = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ledger: { type: 'string' },
        'no-ui': { type: 'boolean', default: false },
        exit: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    return 2
  }
  const { values, positionals } = options
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const ledger = ledgerNamed(values.ledger)
  if (ledger === undefined) return 2
  const progress = createProgress({ json: values.json })
  let topology: Topology
  try {
    if (positionals.length > 1)
      throw new TopologyError(positionals[1]!, '', 'only one topology can be started; give one path')
    topology = readTopology(positionals[0] ?? DEFAULT_TOPOLOGY)
  } catch (error) {
    if (!(error instanceof TopologyError)) throw error
    progress.error(error.message)
    progress.summary({ ok: false, error: error.message })
    return 2
  }

  const interrupted = new Promise<'interrupted'>((resolve) => {
    // Whoever read our output is gone (`npm start | head`): nobody is left to keep the network up for.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => resolve('interrupted'))
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => resolve('interrupted'))
  })
  const starting = startLocalNetwork(topology, (step, detail) => progress.step(step, detail), {
    ledger,
    shared: true
  })
  const first = await Promise.race([interrupted, starting.catch((error: Error) => error)])
  if (first === 'interrupted') {
    // What is still starting is let up first, so that all of it can be taken down.
    await starting.then((network) => network.stop()).catch((error: Error) => progress.error(error.message))
    return 130
  }
  if (first instanceof Error) {
    progress.error(first.message)
    progress.summary({ ok: false, error: first.message })
    return 1
  }
  return useNetwork(first, { interrupted, progress, exit: values.exit, hasUi: !values['no-ui'] })
}

/** By the option, else by the environment; undefined, and said, when it is none that can be audited here. */
function ledgerNamed(option: string | undefined): LocalLedger | undefined {
  const [name, from] = option === undefined ? [process.env.LEDGER, 'LEDGER'] : [option, '--ledger']
  const ledger = LOCAL_LEDGERS.find((each) => each === (name || 'postgres'))
  if (ledger === undefined) {
    process.stderr.write(
      `${from} is "${name}"; local networks keep their books in ${LOCAL_LEDGERS.join(' or ')}\n`
    )
  }
  return ledger
}

/** The payments, then waiting for the end: asked for, interrupted, or forced by a service that died. */
async function useNetwork(
  network: LocalNetwork,
  {
    interrupted,
    progress,
    exit,
    hasUi
  }: {
    interrupted: Promise<'interrupted'>
    progress: ReturnType<typeof createProgress>
    exit: boolean
    hasUi: boolean
  }
): Promise<number> {
  let status = 0
  let uis: NetworkUis | undefined
  let summary: (Record<string, unknown> & { ok: boolean }) | undefined
  const broken = network.failure.then((how) => new Error(how))
  const demo = runDemo(network, progress).catch((error: Error) => error)
  const result = await Promise.race([demo, interrupted, broken])
  if (result === 'interrupted') {
    status = 130
  } else if (result instanceof Error) {
    progress.error(result.message)
    summary = { ok: false, error: result.message }
    status = 1
  } else {
    summary = { ok: result.ok, payments: result.payments.map(toSummary), audit: result.audit }
    status = result.ok ? 0 : 1
    if (!exit) {
      progress.summary(summary)
      summary = undefined
      introduce(network, progress)
      // Only now: building it would have slowed the payment.
      if (hasUi) uis = startNetworkUis(network, progress)
      const end = await Promise.race([interrupted, broken])
      if (end instanceof Error) {
        progress.error(`${end.message}\nEverything else is being shut down.`)
        status = 1
      } else status = 0
    }
  }
  try {
    await uis?.stop()
    await network.stop()
  } catch (error) {
    progress.error((error as Error).message)
    if (summary) progress.summary({ ...summary, ok: false })
    return 1
  }
  progress.step('stopped', 'no process, port or file is left')
  if (summary) progress.summary(summary)
  return status
}

function toSummary(
  payment: Awaited<ReturnType<typeof runDemo>>['payments'][number]
): Record<string, unknown> {
  const { state, debitAmount, receiveAmount, sentAmount, receivedAmount, outgoingPaymentUrl, error } = payment
  return {
    state,
    debitAmount,
    receiveAmount,
    sentAmount,
    receivedAmount,
    outgoingPaymentUrl,
    ...(error !== undefined && { error })
  }
}

/** What one can do now: where everything is, and one command to copy. */
function introduce(network: LocalNetwork, progress: ReturnType<typeof createProgress>): void {
  progress.say()
  for (const { node, urls } of network.plan.plans) {
    progress.say(`${node.name}`)
    progress.say(`  Open Payments  ${urls.openPayments.replace('https:', 'http:')}`)
    for (const { name } of node.walletAddresses) {
      progress.say(`                 ${urls.openPayments}/${name}  (${name}@${node.name})`)
    }
    progress.say(`  Admin API      ${urls.admin}/graphql`)
    progress.say(`  connector      ${urls.connector}`)
    progress.say(`  authorization  ${urls.auth}`)
  }
  const example = network.plan.topology.payments[0]
  if (example) {
    const { from, to } = example
    progress.say()
    progress.say('Another payment, from another terminal:')
    progress.say(
      `  npm run lab -- pay ${from.walletAddress}@${from.node} ${to.walletAddress}@${to.node} 12.50`
    )
  }
  progress.say()
  progress.say('Ctrl-C takes everything down.')
}
