import { planOf } from '../networks/plan.ts'
import type { NodePlan } from '../networks/plan.ts'
import type { LocalNetwork } from '../worlds/local/world.ts'
import { buildAdminUi } from './build.ts'
import { startFrontendProcess } from './frontend-process.ts'
import type { FrontendProcess } from './frontend-process.ts'

/** The admin UIs of a network: one for each of its nodes. */
export interface NetworkUis {
  /** Resolves when all are up; never rejects: a network does without. */
  readonly ready: Promise<void>
  stop(): Promise<void>
}

/**
 * Builds the admin UI where it has to be, and starts one for each node, beside whatever else goes on. Each is told with
 * the link that signs one in as the node's operator; what goes wrong is told too, and ends nothing.
 */
export function startNetworkUis(
  network: LocalNetwork,
  tell: { step(name: string, detail: string): void; error(message: string): void }
): NetworkUis {
  const stopping = new AbortController()
  const started: FrontendProcess[] = []
  const ready = (async () => {
    tell.step('admin ui', 'is built where its sources are newer than the last build: up to a minute')
    await buildAdminUi(stopping.signal)
    for (const { node } of network.plan.plans) {
      stopping.signal.throwIfAborted()
      const plan = planOf(network.plan.plans, node.name)
      const frontend = startFrontendOf(network, plan)
      started.push(frontend)
      await frontend.process.started
      void frontend.process.ended.then((how) => {
        if (!stopping.signal.aborted) tell.error(`${how}\nThe network goes on without it.`)
      })
      tell.step('admin ui', `${node.name}: ${signInLink(frontend.url, plan)}`)
    }
  })().catch((error: Error) => {
    if (stopping.signal.aborted) return
    tell.error(`The admin UI is not there: ${error.message}\nThe network goes on without it.`)
  })
  return {
    ready,
    async stop() {
      stopping.abort()
      await ready
      await Promise.all(started.map(({ process }) => process.end('SIGTERM')))
    }
  }
}

function startFrontendOf({ run }: LocalNetwork, { node, urls }: NodePlan): FrontendProcess {
  return startFrontendProcess(run, `${node.name}-frontend`, {
    PORT: new URL(urls.frontend).port,
    GRAPHQL_URL: `${urls.admin}/graphql`,
    OPEN_PAYMENTS_URL: urls.openPayments,
    BACKEND_HEALTH_URL: `${urls.openPayments.replace('https:', 'http:')}/healthz`,
    AUTH_HEALTH_URL: `${urls.auth}/healthz`
  })
}

/** The credentials in the query, as in the reference (facts 9.1): the page takes them out of the address at once. */
function signInLink(url: string, { secrets }: NodePlan): string {
  const { operatorTenantId: tenantId, adminApiSecret: apiSecret } = secrets
  return `${url}/?${new URLSearchParams({ tenantId, apiSecret }).toString()}`
}
