import { createHash } from 'node:crypto'
import { authMigrationSets } from '../../../node/auth/index.ts'
import { backendMigrationSets } from '../../../node/backend/index.ts'
import { imagePath, queryEngine, readImage, startEngine, writeImage } from './pglite-engine.ts'
import { snapshotEngine } from './pglite-snapshot.ts'
import type { WorldCore } from './world-core.ts'
import { createVirtualWorld } from './world.ts'
import type { Postgres } from './world.ts'

/** Nodes of a network whose databases are there when it starts; those of further nodes are made as on any machine. */
export const PREPARED_NODES = 6

/** What the services of a node find: by kind, the sets of migrations that are applied. */
const KINDS = { backend: backendMigrationSets({ LEDGER: 'postgres' }), auth: authMigrationSets }

/** A PostgreSQL that many worlds use one after the other. */
export interface StandingPostgres extends Postgres {
  /** Makes it as new, for the next world. */
  reset(): void
}

/**
 * Starts a PostgreSQL with empty databases of nodes, migrated by the nodes' own code. Its data directory is kept between
 * processes, under a name that follows from PGlite and the migrations.
 *
 * @param newCore time and randomness of a world in which migrations can run
 */
export async function startStandingPostgres(newCore: (name: string) => WorldCore): Promise<StandingPostgres> {
  const file = preparedPath()
  let image = readImage(file)
  if (!image) {
    image = await createPreparedImage(newCore('migrations'))
    writeImage(image, file)
  }
  newCore('postgres')
  const engine = await startEngine(image)
  // Loads the language of functions: libraries are loaded into the process, which no reset takes back.
  queryEngine(engine, 'DO $$ BEGIN END $$')
  const reset = snapshotEngine(engine.module)
  const prepared = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, schemasOf(kind)]))
  return { engine, prepared, reset }
}

function preparedPath(): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([KINDS, PREPARED_NODES]))
    .digest('hex')
  return imagePath().replace(/\.tar$/, `-${digest.slice(0, 16)}.tar`)
}

function schemasOf(kind: string): string[] {
  return Array.from({ length: PREPARED_NODES }, (_, index) => `prepared_${kind}_${index + 1}`)
}

async function createPreparedImage(core: WorldCore): Promise<Buffer> {
  const engine = await startEngine(readImage())
  const world = await createVirtualWorld({ seed: core.seed, postgres: { engine, prepared: {} } }, core)
  const home = world.runtime('migrations', 'migrations')
  for (const [kind, sets] of Object.entries(KINDS)) {
    for (const schema of schemasOf(kind)) {
      const database = home.openDatabase({ url: world.databaseUrl(schema), maxConnections: 1 })
      for (const { name, migrations } of sets) {
        await world.run(home.run(() => database.migrate(name, migrations)))
      }
      await world.run(database.close())
    }
  }
  await world.end()
  queryEngine(engine, 'RESET ALL')
  queryEngine(engine, 'CHECKPOINT')
  return engine.dump()
}
