import { randomBytes } from 'node:crypto'
import { startServiceProcess } from '../worlds/local/service-process.ts'
import type { ServiceProcess } from '../worlds/local/service-process.ts'
import type { RunDirectory } from '../worlds/local/run-directory.ts'

export interface FrontendProcess {
  /** Where a browser reaches it. */
  readonly url: string
  readonly process: ServiceProcess
}

/** Starts an admin UI for a node, as its operator would; `environment` adds to, or replaces, its variables. */
export function startFrontendProcess(
  run: RunDirectory,
  name: string,
  environment: { PORT: string; GRAPHQL_URL: string; OPEN_PAYMENTS_URL: string } & Record<string, string>
): FrontendProcess {
  const process = startServiceProcess(run, {
    name,
    entry: 'node/frontend/main.ts',
    environment: {
      // In production its cookies would be for https alone.
      NODE_ENV: 'development',
      BIND_HOST: '127.0.0.1',
      AUTH_ENABLED: 'false',
      SESSION_SECRET: randomBytes(32).toString('hex'),
      ...environment
    }
  })
  return { url: `http://localhost:${environment.PORT}`, process }
}
