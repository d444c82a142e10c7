import pg from 'pg'
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers'
import type { StartedTestContainer } from 'testcontainers'
import type { Servers } from '../local/servers.ts'

/** Images, unless the environment names others: of a registry, or made on this machine. */
export const POSTGRES_IMAGE_VARIABLE = 'LAB_POSTGRES_IMAGE'
export const REDIS_IMAGE_VARIABLE = 'LAB_REDIS_IMAGE'
const DEFAULT_POSTGRES_IMAGE = 'postgres:17-alpine'
const DEFAULT_REDIS_IMAGE = 'redis:7-alpine'

const POSTGRES_PORT = 5432
const REDIS_PORT = 6379
/** Databases of Redis: two for each node of the networks that stand at once. */
const REDIS_DATABASES = 1_024
/** An image may have to be pulled. */
const START_TIMEOUT_MS = 300_000
const READY_TIMEOUT_MS = 60_000
const READY_POLL_MS = 100

/** There is nothing here that containers could be had of. */
export class NoEngineError extends Error {
  override name = 'NoEngineError'
}

/** An image that cannot be had, or does not do what the official one does: in one line. */
export class ContainerStartError extends Error {
  override name = 'ContainerStartError'
}

/** The servers of local networks, in containers of their own. */
export interface ContainerServers extends Servers {
  readonly description: string
  stop(): Promise<void>
}

/**
 * Starts a PostgreSQL and a Redis in containers, for all networks of a run.
 *
 * @throws NoEngineError where no engine answers
 * @throws ContainerStartError where an image cannot be had or does not start
 */
export async function startContainerServers(): Promise<ContainerServers> {
  await requireEngine()
  const started: StartedTestContainer[] = []
  const stop = async () => {
    await Promise.all(started.splice(0).map((container) => container.stop()))
  }
  try {
    const postgresImage = imageOf(POSTGRES_IMAGE_VARIABLE, DEFAULT_POSTGRES_IMAGE)
    const redisImage = imageOf(REDIS_IMAGE_VARIABLE, DEFAULT_REDIS_IMAGE)
    // Both ended before either is missed: whatever started is known, and stopped.
    const [postgres, redis] = await bothOf([
      start(postgresImage, (container) =>
        container
          .withEnvironment({ POSTGRES_PASSWORD: 'lab' })
          .withExposedPorts(POSTGRES_PORT)
          .withCommand(['postgres', '-c', 'max_connections=500'])
      ),
      start(redisImage, (container) =>
        container
          .withExposedPorts(REDIS_PORT)
          .withCommand(['redis-server', '--databases', String(REDIS_DATABASES), '--save', ''])
      )
    ])
    const address = `postgresql://postgres:lab@${postgres.getHost()}:${postgres.getMappedPort(POSTGRES_PORT)}/postgres`
    await answering(address, postgresImage)
    let taken = 0
    return {
      description: `PostgreSQL of ${postgresImage}, Redis of ${redisImage}`,
      postgresUrl: address,
      takeCacheUrls(count) {
        const base = `redis://${redis.getHost()}:${redis.getMappedPort(REDIS_PORT)}`
        return Array.from({ length: count }, () => `${base}/${taken++ % REDIS_DATABASES}`)
      },
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }

  async function start(
    image: string,
    set: (container: GenericContainer) => GenericContainer
  ): Promise<StartedTestContainer> {
    try {
      const container = await set(new GenericContainer(image))
        .withStartupTimeout(START_TIMEOUT_MS)
        .withWaitStrategy(Wait.forListeningPorts())
        .start()
      started.push(container)
      return container
    } catch (error) {
      throw new ContainerStartError(`a container of ${image} did not start: ${(error as Error).message}`)
    }
  }
}

async function bothOf<One, Other>(starts: readonly [Promise<One>, Promise<Other>]): Promise<[One, Other]> {
  await Promise.allSettled(starts)
  return Promise.all(starts)
}

async function requireEngine(): Promise<void> {
  try {
    await getContainerRuntimeClient()
  } catch {
    throw new NoEngineError(
      'no container engine answers: the containers world needs Docker or Podman with its API socket (DOCKER_HOST)'
    )
  }
}

function imageOf(variable: string, fallback: string): string {
  const named = process.env[variable]
  return named === undefined || named === '' ? fallback : named
}

/** The port is open before the server takes connections. */
async function answering(address: string, image: string): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS
  for (;;) {
    const client = new pg.Client({ connectionString: address })
    // A connection that breaks is told by the query too.
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('SELECT 1')
      return
    } catch (error) {
      if (performance.now() > deadlineMs)
        throw new ContainerStartError(
          `PostgreSQL of ${image} takes no connections: ${(error as Error).message}`
        )
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS))
    } finally {
      await client.end()
    }
  }
}
