import { randomBytes } from 'node:crypto'
import { freePorts } from '../services/free-ports.ts'
import { startServiceProcess } from '../worlds/local/service-process.ts'
import type { ServiceProcess } from '../worlds/local/service-process.ts'
import type { RunDirectory } from '../worlds/local/run-directory.ts'

export interface FrontendProcess {
  /** Where a browser reaches it. */
  readonly url: string
  readonly process: ServiceProcess
}

/** Starts an admin UI for a node, as its operator would; `environment` adds to, or replaces, its variables. */
export async function startFrontendProcess(
  run: RunDirectory,
  name: string,
  environment: { GRAPHQL_URL: string; OPEN_PAYMENTS_URL: string } & Record<string, string>
): Promise<FrontendProcess> {
  const [port] = await freePorts(1)
  const process = startServiceProcess(run, {
    name,
    entry: 'node/frontend/main.ts',
    environment: {
      NODE_ENV: 'development',
      PORT: String(port),
      BIND_HOST: '127.0.0.1',
      AUTH_ENABLED: 'false',
      SESSION_SECRET: randomBytes(32).toString('hex'),
      ...environment
    }
  })
  await process.started
  return { url: `http://localhost:${port}`, process }
}
