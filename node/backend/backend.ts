import { createHealth } from '../http-api/index.ts'
import type { ServiceState } from '../http-api/index.ts'
import { createLedgerWriter } from '../ledger/index.ts'
import { readCacheTls } from '../runtime/index.ts'
import type { Address, Database, Runtime } from '../runtime/index.ts'
import { MAX_CLOCK_DIFFERENCE_MS, requireMigrations, StartError } from '../commands/index.ts'
import { backendMigrationSets, PROBED_ACCOUNT } from './check.ts'
import { composeBackend, createHttpClients } from './composition.ts'
import type { BackendParts } from './composition.ts'
import type { BackendConfig } from './config.ts'
import { createConnectorServer } from './connector/index.ts'
import { loadInstanceKey } from './instance-key.ts'
import { claimLedger, openLedger } from './ledger-choice.ts'
import { createLedgerSweep } from './ledger-sweep.ts'
import { reachDatabase } from './retry-start.ts'
import { createStopOrder } from './stop-order.ts'

/** Where a backend's doors really are: a port 0 of the configuration was replaced by a free one. */
export interface BackendAddresses {
  admin: Address
  openPayments: Address
  connector: Address
  /** Undefined unless ENABLE_AUTO_PEERING is true. */
  autoPeering: Address | undefined
}

export interface Backend {
  /**
   * Brings the schema up to date, loads what is kept in memory, opens the doors, starts the workers. What fails
   * takes down what already stood.
   *
   * @throws ConfigurationError for a variable that cannot be right, or a ledger that holds other books
   * @throws StartError for what its operator can mend: a port in use, no database, no ledger, a wrong clock, missing migrations
   */
  start(): Promise<void>
  /** Answers 503, lets what runs end in bounded time, closes everything. Safe to call at any time, and twice. */
  stop(): Promise<void>
  /** Known once it started. */
  readonly addresses: BackendAddresses | undefined
}

/** A server of ours, to be stopped in two steps. */
interface Door {
  drain(graceMs: number): Promise<void>
  stop(graceMs: number): Promise<void>
}

/**
 * The account servicing core of a node: Admin API, Open Payments, connector and workers. Nothing of it lives
 * outside what this built: many backends live in one process.
 */
export function createBackend(config: BackendConfig, runtime: Runtime): Backend {
  const { logger } = runtime
  let order = createStopOrder(runtime)
  let addresses: BackendAddresses | undefined
  let starting: Promise<void> | undefined
  let state: ServiceState = 'starting'
  /** They answer 503 until everything else has stopped. */
  const doors: Door[] = []

  async function open(): Promise<BackendAddresses> {
    const instanceKey = await loadInstanceKey(config, runtime)
    await readCacheTls(config, runtime.readTextFile)
    const database = runtime.openDatabase({
      url: config.DATABASE_URL,
      maxConnections: config.MAX_DATABASE_CONNECTIONS
    })
    order.add('database', () => database.close())
    const cache = runtime.openCache(config.CACHE, config)
    order.add('cache', () => cache.close())
    const http = createHttpClients(runtime, config)
    for (const [name, client] of Object.entries(http)) order.add(`http client: ${name}`, () => client.close())
    const { ledger, close: closeLedger } = openLedger(config, runtime)
    order.add('ledger', closeLedger)
    await reachDatabase(runtime, config.DATABASE_URL, () => prepareDatabase(database))
    await claimLedger(config, { ...runtime, database, ledger })

    order.nextGroup()
    order.add('doors', () => Promise.all(doors.splice(0).map((door) => door.stop(0))))

    order.nextGroup()
    const writer = createLedgerWriter({ ...runtime, ledger })
    order.add('ledger writer', () => writer.close())
    const sweep = createLedgerSweep({ ...runtime, ledger })
    order.add('ledger sweep', () => sweep.stop())
    sweep.start()
    const health = createHealth({
      ...runtime,
      state: () => state,
      checks: { database: () => database.ping(), cache: () => cache.ping() },
      readinessChecks: { ledger: () => ledger.lookupAccounts([PROBED_ACCOUNT]) }
    })
    const parts = composeBackend(config, runtime, {
      database,
      cache,
      ledger,
      writer,
      instanceKey,
      http,
      health
    })
    return startParts(parts)
  }

  async function prepareDatabase(database: Database): Promise<void> {
    const differenceMs = await database.clockDifferenceMs()
    if (Math.abs(differenceMs) > MAX_CLOCK_DIFFERENCE_MS) {
      throw new StartError(
        `the clock of this machine is ${Math.round(differenceMs)} ms from the database's, at most ` +
          `${MAX_CLOCK_DIFFERENCE_MS} ms are allowed: set both by NTP`
      )
    }
    const sets = backendMigrationSets(config)
    if (config.ENABLE_MANUAL_MIGRATIONS) return requireMigrations('backend', database, sets)
    for (const { name, migrations } of sets) await database.migrate(name, migrations)
  }

  async function startParts(parts: BackendParts): Promise<BackendAddresses> {
    order.nextGroup()
    const { tenants, assetDirectory, peerDirectory, walletAddresses, incarnation } = parts
    order.add('tenants', () => tenants.stop())
    await tenants.start()
    order.add('assets', () => assetDirectory.stop())
    await assetDirectory.start()
    order.add('peers', () => peerDirectory.stop())
    await peerDirectory.start()
    order.add('wallet addresses', () => walletAddresses.stop())
    await walletAddresses.start()
    await parts.assets.ensureAccounts()
    await parts.peers.ensureAccounts()
    await parts.btpSettlements.finish()

    order.nextGroup()
    order.add('incarnation', () => incarnation.stop())
    await incarnation.start()

    // Stopped after the connector: the last answers go out over it.
    order.nextGroup()
    order.add('BTP', () => parts.btp.close())

    order.nextGroup()
    order.add('connector', (graceMs) => parts.connector.stop(graceMs))
    await parts.connector.start()
    parts.btp.start(parts.connector)

    order.nextGroup()
    for (const name of [
      'incomingPayments',
      'partialPayments',
      'webMonetization',
      'outgoingPayments',
      'lowLiquidity',
      'webhookDelivery',
      'tenantService'
    ] as const) {
      order.add(name, (graceMs) => parts[name].stop(graceMs))
      await parts[name].start()
    }

    order.nextGroup()
    return openDoors(parts)
  }

  async function openDoors({
    admin,
    openPayments,
    connector,
    btp,
    peerDirectory,
    autoPeering
  }: BackendParts): Promise<BackendAddresses> {
    const host = config.BIND_HOST
    addDoor('Open Payments', openPayments)
    await openDoor('OPEN_PAYMENTS_PORT', () => openPayments.start())
    addDoor('Admin API', admin)
    await openDoor('ADMIN_PORT', () => admin.start())
    const connectorServer = await openDoor('CONNECTOR_PORT', () =>
      createConnectorServer(
        { ...runtime, connector, peers: peerDirectory },
        { host, port: config.CONNECTOR_PORT },
        { onUpgrade: btp.accept }
      )
    )
    addDoor('ILP over HTTP', connectorServer)
    addDoor('auto-peering', autoPeering)
    await openDoor('AUTO_PEERING_SERVER_PORT', () => autoPeering.start())
    return {
      admin: opened('Admin API', admin.address),
      openPayments: opened('Open Payments', openPayments.address),
      connector: connectorServer.address,
      autoPeering: autoPeering.address
    }
  }

  /** First a door answers 503 and lets what runs end, for half of the grace: the rest is for workers and packets. */
  function addDoor(name: string, door: Door): void {
    doors.push(door)
    order.add(name, (graceMs) => door.drain(Math.ceil(graceMs / 2)))
  }

  async function openDoor<T>(
    variable: 'ADMIN_PORT' | 'OPEN_PAYMENTS_PORT' | 'CONNECTOR_PORT' | 'AUTO_PEERING_SERVER_PORT',
    open: () => Promise<T>
  ): Promise<T> {
    try {
      return await open()
    } catch (error) {
      const { code } = error as { code?: string }
      const where = `${config.BIND_HOST}:${config[variable]}`
      if (code === 'EADDRINUSE') {
        throw new StartError(
          `${variable}: ${where} is in use: stop what listens there, or choose another port`,
          {
            cause: error
          }
        )
      }
      if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
        throw new StartError(`${variable}: ${where} cannot be opened (${code}): see also BIND_HOST`, {
          cause: error
        })
      }
      throw error
    }
  }

  async function takeDown(): Promise<void> {
    const stopping = order
    order = createStopOrder(runtime)
    state = 'stopping'
    await stopping.stop(config.STOP_GRACE_MS)
    addresses = undefined
  }

  async function start(): Promise<void> {
    try {
      const opened = await open()
      addresses = opened
      state = 'ready'
      logger.info(
        {
          event: 'started',
          admin: show(opened.admin),
          openPayments: show(opened.openPayments),
          connector: show(opened.connector),
          ...(opened.autoPeering && { autoPeering: show(opened.autoPeering) })
        },
        'the backend started'
      )
    } catch (error) {
      await takeDown()
      throw error
    }
  }

  return {
    start() {
      starting ??= start()
      return starting
    },
    async stop() {
      // A start that runs is let end: it takes itself down when it fails, and is taken down here otherwise.
      await starting?.catch(() => undefined)
      await takeDown()
    },
    get addresses() {
      return addresses
    }
  }
}

function opened(name: string, address: Address | undefined): Address {
  if (address === undefined) throw new Error(`${name} started without an address`)
  return address
}

function show({ host, port }: Address): string {
  return `${host}:${port}`
}
